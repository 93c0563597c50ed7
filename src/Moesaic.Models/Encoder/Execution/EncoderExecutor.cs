using Moesaic.Interop;
using Moesaic.Models.Decoder;

namespace Moesaic.Models.Encoder;

/// <summary>
/// Runs a loaded encoder over a ragged batch of whole texts, without padding: a text's vectors depend on that text alone.
/// Keys and values go through a paged cache of one layer, which every layer fills anew. Steps allocate no managed memory.
/// </summary>
/// <remarks>One thread at a time. Several executors may share a loaded encoder.</remarks>
public sealed class EncoderExecutor : IDisposable
{
    private const int PageTokens = 64;

    private readonly Disposer _disposer = new();
    private readonly EncoderDescription _encoder;
    private readonly EncoderOptions _options;
    private readonly Batch _batch;
    private readonly KvCache _cache;
    private readonly PreparedEncoderLayer[] _layers;
    private readonly (Weight Words, Weight Positions, Weight? Types) _tables;
    private readonly PreparedLayerNorm _embeddingNorm;
    private readonly int _pagesPerText;
    private readonly int[] _positions;
    private readonly int[] _pages;
    private readonly DeviceBuffer _hiddenBuffer;
    private readonly Tensor _hidden;
    private readonly Tensor _projected;
    private readonly Tensor _attended;
    private readonly Tensor _activated;

    /// <exception cref="ArgumentException">A bound is impossible for the model.</exception>
    /// <exception cref="NativeException">The device is out of memory.</exception>
    public EncoderExecutor(LoadedEncoder encoder, EncoderOptions options)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        ArgumentNullException.ThrowIfNull(options);
        _encoder = encoder.Description;
        _options = options;
        MaxContext = options.ContextOf(_encoder);
        _pagesPerText = ((MaxContext - 1) / PageTokens) + 1;
        int numSequences = Math.Min(options.MaxSequences, options.MaxTokens);
        _positions = new int[options.MaxTokens];
        _pages = new int[numSequences * _pagesPerText];
        try
        {
            Device device = encoder.Device;
            AttentionDescription attention = _encoder.Layers[0].Attention;
            Stream = _disposer.Add(ComputeStream.Create(device));
            _batch = _disposer.Add(Batch.Create(device, new BatchLimits(options.MaxTokens, numSequences, _pagesPerText)));
            _cache = _disposer.Add(KvCache.Create(device, new KvCacheDescription
            {
                Format = TensorFormat.F32,
                NumLayers = 1,
                NumKvHeads = attention.NumKeyValueHeads,
                KeyWidth = attention.KeyWidth,
                ValueWidth = attention.ValueWidth,
                PageTokens = PageTokens,

                // Every text may leave the rest of one page unused.
                NumPages = (options.MaxTokens / PageTokens) + numSequences,
            }));
            (_hiddenBuffer, _hidden) = Create(device, _encoder.HiddenSize);
            (_, _projected) = Create(device, _encoder.Layers.Max(l => l.Attention.InputWidth));
            (_, _attended) = Create(device, _encoder.Layers.Max(l => l.Attention.OutputWidth));
            (_, _activated) = Create(device, _encoder.Layers.Max(l => l.Width));
            _tables = (encoder.Weight(_encoder.Words), encoder.Weight(_encoder.Positions), _encoder.TokenTypes is { } types ? encoder.Weight(types) : null);
            _embeddingNorm = new PreparedLayerNorm(encoder, _encoder.EmbeddingNorm);
            _layers = [.. _encoder.Layers.Select(l => new PreparedEncoderLayer(encoder, l))];
        }
        catch
        {
            _disposer.Dispose();
            throw;
        }
    }

    public ComputeStream Stream { get; }

    public EncoderDescription Description => _encoder;

    public EncoderOptions Options => _options;

    /// <summary>Most tokens of one text.</summary>
    public int MaxContext { get; }

    /// <summary>Tokens of the last step.</summary>
    public int NumTokens => _batch.NumTokens;

    /// <summary>Runs one step over whole texts.</summary>
    /// <param name="tokenIds">The texts' ids, one text after the other.</param>
    /// <param name="offsets">[texts + 1]: text s owns ids [offsets[s], offsets[s + 1]).</param>
    /// <exception cref="ArgumentException">A text is empty or too long.</exception>
    /// <exception cref="NativeException">The arrays contradict each other or exceed the limits, or an id is out of range.</exception>
    public void Run(ReadOnlySpan<int> tokenIds, ReadOnlySpan<int> offsets)
    {
        int numTexts = Place(tokenIds, offsets);
        _batch.Update(Stream, new BatchContent
        {
            TokenIds = tokenIds,
            Positions = _positions.AsSpan(0, tokenIds.Length),
            QueryOffsets = offsets,
            LogitRows = [],
            PageTables = _pages.AsSpan(0, numTexts * _pagesPerText),
            PagesStride = _pagesPerText,
        });
        Tensor hidden = _hidden.SliceRows(0, tokenIds.Length);
        Stream.Embedding(_batch, _tables.Words, hidden);
        Stream.Embedding(_batch, _tables.Positions, hidden, index: EmbeddingIndex.Position, accumulate: true);
        if (_tables.Types is { } types)
        {
            Stream.Embedding(_batch, types, hidden, index: EmbeddingIndex.FirstRow, accumulate: true);
        }

        Normalise(_embeddingNorm, hidden);
        foreach (PreparedEncoderLayer layer in _layers)
        {
            Attend(layer, hidden);
            FeedForward(layer, hidden);
        }
    }

    /// <summary>Waits for the last step and copies its hidden states out: [tokens, hidden].</summary>
    public void ReadHidden(Span<float> hidden)
    {
        if (hidden.Length != _batch.NumTokens * _encoder.HiddenSize)
        {
            throw new ArgumentException($"{hidden.Length} values do not hold {_batch.NumTokens} tokens x {_encoder.HiddenSize}.", nameof(hidden));
        }

        _hiddenBuffer.Download(Stream, 0, hidden);
        Stream.Synchronize();
    }

    /// <inheritdoc/>
    public void Dispose() => _disposer.Dispose();

    // Positions from 0 and pages one after the other: nothing of a step outlives it.
    private int Place(ReadOnlySpan<int> tokenIds, ReadOnlySpan<int> offsets)
    {
        int numTexts = offsets.Length - 1;
        if (numTexts < 1 || tokenIds.Length > _options.MaxTokens || numTexts * _pagesPerText > _pages.Length || offsets[0] != 0 || offsets[^1] != tokenIds.Length)
        {
            throw new ArgumentException($"{numTexts} texts of {tokenIds.Length} tokens do not fit a step of {_options.MaxSequences} texts and {_options.MaxTokens} tokens, or the offsets do not cover them.", nameof(offsets));
        }

        int nextPage = 0;
        for (int s = 0; s < numTexts; s++)
        {
            int length = offsets[s + 1] - offsets[s];
            if (length < 1 || length > MaxContext)
            {
                throw new ArgumentException($"Text {s} has {length} tokens; expected 1 to {MaxContext}.", nameof(offsets));
            }

            for (int i = 0; i < length; i++)
            {
                _positions[offsets[s] + i] = i;
            }

            Span<int> pages = _pages.AsSpan(s * _pagesPerText, _pagesPerText);
            pages.Fill(-1);
            for (int p = 0; p <= (length - 1) / PageTokens; p++)
            {
                pages[p] = nextPage++;
            }
        }

        return numTexts;
    }

    private void Attend(PreparedEncoderLayer layer, in Tensor hidden)
    {
        AttentionDescription attention = layer.Attention;
        int tokens = _batch.NumTokens;
        long queryWidth = (long)attention.NumHeads * attention.KeyWidth;
        long keyWidth = (long)attention.NumKeyValueHeads * attention.KeyWidth;
        Tensor projected = _projected.SliceRows(0, tokens).SliceColumns(0, attention.InputWidth);
        Tensor query = projected.SliceColumns(0, queryWidth);
        Tensor key = projected.SliceColumns(queryWidth, keyWidth);
        Tensor value = projected.SliceColumns(queryWidth + keyWidth, attention.InputWidth - queryWidth - keyWidth);
        if (layer.Input.Length == 1)
        {
            Project(hidden, Epilogue.Store, [layer.Input[0].To(projected)]);
        }
        else
        {
            Project(hidden, Epilogue.Store, [layer.Input[0].To(query), layer.Input[1].To(key), layer.Input[2].To(value)]);
        }

        Stream.RopeAppend(_batch, _cache, new RopeAppendParams { Layer = 0, NumQueryHeads = attention.NumHeads, Query = query, Key = key, Value = value });
        Tensor attended = _attended.SliceRows(0, tokens).SliceColumns(0, attention.OutputWidth);
        Stream.Attention(_batch, _cache, new AttentionParams
        {
            Precision = _options.Precision,
            Layer = 0,
            NumQueryHeads = attention.NumHeads,
            Query = query,
            Output = attended,
            Scale = attention.Scale,
            IsCausal = false,
        });
        Project(attended, Epilogue.Add, [layer.Output.To(hidden)]);
        Normalise(layer.AttentionNorm, hidden);
    }

    private void FeedForward(PreparedEncoderLayer layer, in Tensor hidden)
    {
        Tensor activated = _activated.SliceRows(0, _batch.NumTokens).SliceColumns(0, layer.Width);
        Project(hidden, layer.Activation, [layer.Up.To(activated)]);
        Project(activated, Epilogue.Add, [layer.Down.To(hidden)]);
        Normalise(layer.OutputNorm, hidden);
    }

    private void Normalise(in PreparedLayerNorm norm, in Tensor hidden) => Stream.LayerNorm(hidden, norm.Weight, norm.Bias, hidden, norm.Epsilon);

    private void Project(in Tensor input, Epilogue epilogue, scoped ReadOnlySpan<LinearTarget> targets) =>
        Stream.Linear(new LinearParams { Precision = _options.Precision, Epilogue = epilogue, Input = input, Targets = targets });

    private (DeviceBuffer Buffer, Tensor Tensor) Create(Device device, long cols)
    {
        DeviceBuffer buffer = _disposer.Add(DeviceBuffer.Create(device, _options.MaxTokens * cols * sizeof(float)));
        return (buffer, Tensor.Dense(buffer, _options.MaxTokens, cols));
    }
}
