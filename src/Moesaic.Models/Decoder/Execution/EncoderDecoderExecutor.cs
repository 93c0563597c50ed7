using System.Collections.Immutable;
using Moesaic.Interop;

namespace Moesaic.Models.Decoder;

/// <summary>
/// Runs an encoder-decoder over one sequence at a time: the encoder reads the whole input in one step, then the decoder's tokens
/// come in as many steps as the caller likes.
/// </summary>
/// <remarks>One thread at a time. Several executors may share a loaded decoder.</remarks>
public sealed class EncoderDecoderExecutor : IDisposable
{
    private const int SelfGroup = 0;
    private const int CrossGroup = 1;
    private readonly LoadedDecoder _decoder;
    private readonly EncoderStackDescription _encoder;
    private readonly EncoderDecoderOptions _options;
    private readonly Disposer _disposer = new();
    private readonly ExecutorBuffers _buffers;
    private readonly Tensor _encoded;
    private readonly Batch _inputBatch;
    private readonly Batch _outputBatch;
    private readonly PreparedLayer[] _inputLayers;
    private readonly PreparedLayer[] _outputLayers;
    private readonly PreparedNorm _inputNorm;
    private readonly PreparedNorm _outputNorm;
    private readonly PreparedProjection _head;
    private readonly LayerRunner _runner;
    private readonly ExpertChoices? _choices;
    private readonly int _maxStepTokens;
    private readonly int[] _pages;
    private int _inputLength;

    /// <exception cref="ArgumentException">A bound is impossible, or the model has no encoder.</exception>
    /// <exception cref="NativeException">The device is out of memory.</exception>
    public EncoderDecoderExecutor(LoadedDecoder decoder, EncoderDecoderOptions options)
    {
        ArgumentNullException.ThrowIfNull(decoder);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxInputTokens, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxOutputTokens, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxStepTokens ?? 1, 1);
        DecoderDescription description = decoder.Description;
        _encoder = description.Encoder ?? throw new ArgumentException($"{description.Family} has no encoder.", nameof(decoder));
        _decoder = decoder;
        _options = options;
        _maxStepTokens = Math.Min(options.MaxStepTokens ?? options.MaxOutputTokens, options.MaxOutputTokens);
        ExecutorOptions bounds = new()
        {
            Precision = options.Precision,
            KvFormat = options.KvFormat,
            MaxTokens = Math.Max(options.MaxInputTokens, _maxStepTokens),
            MaxLogitRows = options.AllLogits ? _maxStepTokens : 1,
            PageTokens = options.PageTokens,
        };
        int inputPages = PagesOf(options.MaxInputTokens);
        int outputPages = PagesOf(options.MaxOutputTokens);
        _pages = [.. Enumerable.Range(0, Math.Max(inputPages, outputPages)).Concat(Enumerable.Range(0, Math.Max(inputPages, outputPages)))];
        try
        {
            Device device = decoder.Device;
            Stream = _disposer.Add(ComputeStream.Create(device));
            _buffers = _disposer.Add(new ExecutorBuffers(decoder, bounds));
            DeviceBuffer encoded = _disposer.Add(DeviceBuffer.Create(device, checked((long)options.MaxInputTokens * description.HiddenSize * sizeof(float))));
            _encoded = Tensor.Dense(encoded, options.MaxInputTokens, description.HiddenSize);
            BatchLimits limits = new(bounds.MaxTokens, 1, _pages.Length / 2, 2);
            _inputBatch = _disposer.Add(Batch.Create(device, limits));
            _outputBatch = _disposer.Add(Batch.Create(device, limits));

            // Layers of the encoder use one cache after the other: each is done with it when it ends.
            KvCache input = AddCache(Single(KvGroupDescription.Group(_encoder.Layers)) with { Layers = [0] }, SelfGroup, inputPages);
            KvCache output = AddCache(Single(description.KvGroups), SelfGroup, outputPages);
            AttentionDescription cross = description.Layers[0].CrossAttention?.Attention ?? throw new ArgumentException($"Layers of {description.Family} do not attend to its encoder.", nameof(decoder));
            KvGroupDescription crossGroup = new([.. Enumerable.Range(0, description.Layers.Length)], cross.NumKeyValueHeads, cross.KeyWidth, cross.ValueWidth, Window: 0);
            KvCache shared = AddCache(crossGroup, CrossGroup, inputPages);
            _inputLayers = [.. _encoder.Layers.Select(l => new PreparedLayer(decoder, l, input, 0))];
            _outputLayers = [.. description.Layers.Select((l, i) => new PreparedLayer(decoder, l, output, i, shared))];
            _inputNorm = new PreparedNorm(decoder, _encoder.OutputNorm);
            _outputNorm = new PreparedNorm(decoder, description.OutputNorm);
            _head = new PreparedProjection(decoder, description.OutputHead ?? new ProjectionDescription(description.Embedding));
            _choices = _disposer.AddOptional(CreateChoices(bounds.MaxTokens));
            _runner = new LayerRunner(Stream, _buffers, _choices, description, decoder.LatentForm, options.Precision)
            {
                PositionBiases = [.. description.PositionBiases.Select(Expand)],
            };
        }
        catch
        {
            _disposer.Dispose();
            throw;
        }
    }

    /// <summary>The stream that steps are enqueued on; synchronise it before reading results on the host.</summary>
    public ComputeStream Stream { get; }

    public DecoderDescription Description => _decoder.Description;

    /// <summary>[logit rows of the last decoder step, vocabulary], valid until the next step.</summary>
    public Tensor Logits { get; private set; }

    /// <summary>Positions of the output so far.</summary>
    public int OutputLength { get; private set; }

    /// <summary>Layers with experts: first the encoder's, then the decoder's.</summary>
    public int NumMoeLayers => _inputLayers.Concat(_outputLayers).Count(static l => l.Moe is not null);

    /// <summary>Experts of a token; 0 without experts.</summary>
    public int TopK => _choices?.TopK ?? 0;

    /// <summary>Reads an input and begins a new output.</summary>
    /// <exception cref="ArgumentException">The input is empty or longer than was provided for.</exception>
    /// <exception cref="NativeException">An id lies outside the vocabulary.</exception>
    public void Encode(ReadOnlySpan<int> ids)
    {
        if (ids.Length < 1 || ids.Length > _options.MaxInputTokens)
        {
            throw new ArgumentException($"An input of {ids.Length} tokens is not possible; expected 1 to {_options.MaxInputTokens}.", nameof(ids));
        }

        _inputLength = 0;
        OutputLength = 0;
        Run(_inputBatch, _inputLayers, 0, ids, 0, [], []);
        Tensor encoded = _encoded.SliceRows(0, ids.Length);
        Stream.RmsNorm(_buffers.Residual.SliceRows(0, ids.Length), _inputNorm.Weight, encoded, _inputNorm.Epsilon);
        foreach (PreparedLayer layer in _outputLayers)
        {
            _runner.WriteCross(_inputBatch, layer.Cross!, encoded);
        }

        _inputLength = ids.Length;
    }

    /// <summary>Runs the next tokens of the output; logits are of all of them, or of the last alone as the options say.</summary>
    /// <exception cref="InvalidOperationException">No input was read.</exception>
    /// <exception cref="ArgumentException">There are none, or more than a step takes, or the output grows longer than was provided for.</exception>
    /// <exception cref="NativeException">An id lies outside the vocabulary.</exception>
    public void Decode(ReadOnlySpan<int> ids)
    {
        if (_inputLength == 0)
        {
            throw new InvalidOperationException("The encoder has read no input.");
        }

        if (ids.Length < 1 || ids.Length > Math.Min(_maxStepTokens, _options.MaxOutputTokens - OutputLength))
        {
            throw new ArgumentException($"{ids.Length} tokens after {OutputLength} are not possible; the output holds 1 to {_options.MaxOutputTokens}, a step {_maxStepTokens}.", nameof(ids));
        }

        int[] rows = _options.AllLogits ? [.. Enumerable.Range(0, ids.Length)] : [ids.Length - 1];
        Run(_outputBatch, _outputLayers, _inputLayers.Count(static l => l.Moe is not null), ids, OutputLength, rows, [0, _inputLength]);
        OutputLength += ids.Length;
        Tensor input = _buffers.LogitInput.SliceRows(0, rows.Length);
        Tensor logits = _buffers.Logits.SliceRows(0, rows.Length);
        Stream.GatherRows(_outputBatch, _buffers.Residual.SliceRows(0, ids.Length), input);
        Stream.Linear(new LinearParams
        {
            Precision = _options.Precision,
            Input = input,
            NormWeight = _outputNorm.Weight,
            NormEpsilon = _outputNorm.Epsilon,
            Targets = [_head.To(logits)],
        });
        Logits = logits;
    }

    /// <summary>Prescribes the experts of the next step: [<see cref="NumMoeLayers"/>, tokens, top k]; those of the half that does not run do not count.</summary>
    public void ForceExpertChoices(ReadOnlySpan<int> choices, int numTokens) => Choices.Force(Stream, choices, numTokens);

    /// <summary>Reads which experts the tokens of the last step that ran a layer with experts chose there: [tokens, top k]; -1 where capacity dropped a choice.</summary>
    public void ReadExpertChoices(int moeLayer, Span<int> choices) => Choices.Read(Stream, moeLayer, choices);

    /// <inheritdoc/>
    public void Dispose() => _disposer.Dispose();

    private ExpertChoices Choices => _choices ?? throw new InvalidOperationException("The model has no experts.");

    private void Run(Batch batch, PreparedLayer[] layers, int moeLayer, ReadOnlySpan<int> ids, int first, int[] logitRows, int[] keyLengths)
    {
        batch.Update(Stream, new BatchContent
        {
            TokenIds = ids,
            Positions = Enumerable.Range(first, ids.Length).ToArray(),
            QueryOffsets = [0, ids.Length],
            LogitRows = logitRows,
            PageTables = _pages,
            PagesStride = _pages.Length / 2,
            KeyLengths = keyLengths,
        });
        Stream.Embedding(batch, _decoder.Weight(Description.Embedding), _buffers.Residual.SliceRows(0, ids.Length), Description.EmbeddingScale);
        foreach (PreparedLayer layer in layers)
        {
            _runner.Run(batch, layer, moeLayer);
            moeLayer += layer.Moe is null ? 0 : 1;
        }

        _choices?.EndForce();
    }

    private int PagesOf(int tokens) => ((tokens - 1) / _options.PageTokens) + 1;

    private KvCache AddCache(KvGroupDescription group, int index, int numPages) => _disposer.Add(KvCache.Create(
        _decoder.Device,
        DecoderExecutor.CacheOf(group, index, new ExecutorOptions { KvFormat = _options.KvFormat, PageTokens = _options.PageTokens }, numPages)));

    private static KvGroupDescription Single(ImmutableArray<KvGroupDescription> groups) => groups is [{ Window: 0 } one]
        ? one
        : throw new NotSupportedException("Encoder-decoders whose layers differ in their attention's shape, or look back through a window, are not supported.");

    private ExpertChoices? CreateChoices(int maxTokens)
    {
        int[] topK = [.. _encoder.Layers.Concat(Description.Layers).Select(l => l.FeedForward).OfType<MoeDescription>().Select(m => m.Router.TopK)];
        return topK.Distinct().ToArray() switch
        {
            [] => null,
            [int one] => new ExpertChoices(_decoder.Device, topK.Length, maxTokens, one, _options.RecordExpertChoices),
            _ => throw new NotSupportedException("Layers that choose different numbers of experts are not supported."),
        };
    }

    private Tensor Expand(PositionBiasDescription bias)
    {
        Tensor table = _decoder.Vector(bias.Table);
        float[] values = new float[bias.Table.Length];
        table.Buffer!.Download<float>(Stream, table.OffsetBytes, values);
        float[] expanded = bias.Expand(values);
        DeviceBuffer buffer = _disposer.Add(DeviceBuffer.Create(_decoder.Device, (long)expanded.Length * sizeof(float)));
        buffer.Upload<float>(Stream, 0, expanded);
        Stream.Synchronize();
        return Tensor.Dense(buffer, bias.NumHeads, expanded.Length / bias.NumHeads);
    }
}
