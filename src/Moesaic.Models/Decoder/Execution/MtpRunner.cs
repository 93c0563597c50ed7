using Moesaic.Interop;

namespace Moesaic.Models.Decoder;

/// <summary>Enqueues the first multi-token-prediction layer over the hidden states of the step just run; see <see cref="MtpDescription"/>.</summary>
internal sealed class MtpRunner : IDisposable
{
    private readonly LoadedDecoder _decoder;
    private readonly LayerRunner _runner;
    private readonly ComputeStream _stream;
    private readonly ExecutorBuffers _buffers;
    private readonly Precision _precision;
    private readonly int _moeLayer;
    private readonly KvCache _cache;
    private readonly PreparedLayer _layer;
    private readonly PreparedNorm _embeddingNorm;
    private readonly PreparedNorm _hiddenNorm;
    private readonly PreparedProjection _projection;
    private readonly Weight _embedding;

    public MtpRunner(LoadedDecoder decoder, ExecutorOptions options, LayerRunner runner, ComputeStream stream, ExecutorBuffers buffers, int moeLayer)
    {
        _decoder = decoder;
        _runner = runner;
        _stream = stream;
        _buffers = buffers;
        _precision = options.Precision;
        _moeLayer = moeLayer;
        MtpDescription mtp = decoder.Description.MtpLayers[0];
        _embeddingNorm = new PreparedNorm(decoder, mtp.EmbeddingNorm);
        _hiddenNorm = new PreparedNorm(decoder, mtp.HiddenNorm);
        _projection = new PreparedProjection(decoder, mtp.Projection);
        OutputNorm = new PreparedNorm(decoder, mtp.OutputNorm);
        OutputHead = mtp.OutputHead is { } head ? new PreparedProjection(decoder, head) : null;
        _embedding = decoder.Weight(mtp.Embedding ?? decoder.Description.Embedding);
        KvGroupDescription group = KvGroupDescription.Group([mtp.Layer])[0];
        _cache = KvCache.Create(decoder.Device, DecoderExecutor.CacheOf(group, 0, options, options.TotalPages(decoder.Description)));
        try
        {
            Batch = Batch.Create(decoder.Device, new BatchLimits(options.MaxTokens, options.MaxSequences, options.PagesPerSequence(decoder.Description)));
        }
        catch
        {
            _cache.Dispose();
            throw;
        }

        _layer = new PreparedLayer(decoder, mtp.Layer, _cache, 0);
    }

    public Batch Batch { get; }

    public PreparedNorm OutputNorm { get; }

    /// <summary>Null: the main model's.</summary>
    public PreparedProjection? OutputHead { get; }

    public long CacheBytes => _cache.TotalBytes;

    /// <summary>Leaves the layer's output in the residual stream.</summary>
    public void Run(in BatchContent next)
    {
        Batch.Update(_stream, next);
        int tokens = Batch.NumTokens;
        DecoderDescription decoder = _decoder.Description;
        int hidden = decoder.HiddenSize;
        Tensor residual = _buffers.Residual.SliceRows(0, tokens);
        Tensor input = _buffers.MtpInput.SliceRows(0, tokens);
        _stream.Embedding(Batch, _embedding, residual, decoder.EmbeddingScale);
        _stream.RmsNorm(residual, _embeddingNorm.Weight, input.SliceColumns(0, hidden), _embeddingNorm.Epsilon);
        _stream.RmsNorm(_buffers.FinalHidden.SliceRows(0, tokens), _hiddenNorm.Weight, input.SliceColumns(hidden, hidden), _hiddenNorm.Epsilon);
        _stream.Linear(new LinearParams { Precision = _precision, Input = input, Targets = [_projection.To(residual)] });
        _runner.Run(Batch, _layer, _moeLayer);
    }

    public void Dispose()
    {
        Batch.Dispose();
        _cache.Dispose();
    }
}
