using System.Collections.Immutable;
using Moesaic.Interop;
using Moesaic.Models.Export;

namespace Moesaic.Models.Decoder;

/// <summary>
/// Runs a loaded decoder. Its only way in is a ragged batch: token ids, positions, query offsets, page tables and the rows
/// whose logits are wanted; one sequence is a batch of one, and a long prompt comes in as many steps as the caller likes.
/// A row's result depends on its own sequence alone. Steps allocate no managed memory.
/// </summary>
/// <remarks>One thread at a time. Several executors may share a loaded decoder.</remarks>
public sealed class DecoderExecutor : IDisposable
{
    private readonly LoadedDecoder _decoder;
    private readonly ExecutorOptions _options;
    private readonly KvCache[] _caches;
    private readonly Batch _batch;
    private readonly ExecutorBuffers _buffers;
    private readonly ExpertChoices? _choices;
    private readonly PreparedLayer[] _layers;
    private readonly PreparedProjection _head;
    private readonly PreparedNorm _outputNorm;
    private readonly LayerRunner _runner;
    private readonly MtpRunner? _mtp;
    private readonly StepGraphs _graphs;

    /// <exception cref="ArgumentException">A bound is impossible for the model.</exception>
    /// <exception cref="NativeException">The device is out of memory.</exception>
    public DecoderExecutor(LoadedDecoder decoder, ExecutorOptions options)
    {
        ArgumentNullException.ThrowIfNull(decoder);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate(decoder);
        if (decoder.Description.Encoder is not null)
        {
            throw new NotSupportedException($"{decoder.Description.Family} is an encoder-decoder, whose input and output are apart: EncoderDecoderExecutor runs it.");
        }

        _decoder = decoder;
        _options = options;
        DecoderDescription description = decoder.Description;
        MaxContext = options.ContextOf(description);
        PagesPerSequence = options.PagesPerSequence(description);
        KvGroupDescription[] groups = [.. description.KvGroups];
        NumKvGroups = groups.Length;
        NumPages = Enumerable.Range(0, NumKvGroups).Min(g => options.TotalPages(description, g));
        Disposer disposer = new();
        try
        {
            Stream = disposer.Add(ComputeStream.Create(decoder.Device));
            _buffers = disposer.Add(new ExecutorBuffers(decoder, options));
            _batch = disposer.Add(Batch.Create(decoder.Device, new BatchLimits(options.MaxTokens, options.MaxSequences, PagesPerSequence, NumKvGroups)));
            _caches = new KvCache[NumKvGroups];
            _layers = new PreparedLayer[description.Layers.Length];
            for (int g = 0; g < groups.Length; g++)
            {
                _caches[g] = disposer.Add(KvCache.Create(decoder.Device, CacheOf(groups[g], g)));
                for (int i = 0; i < groups[g].Layers.Length; i++)
                {
                    int layer = groups[g].Layers[i];
                    _layers[layer] = new PreparedLayer(decoder, description.Layers[layer], _caches[g], i);
                }
            }

            _choices = disposer.AddOptional(CreateChoices(options.UseMtp));
            _head = new PreparedProjection(decoder, description.OutputHead ?? new ProjectionDescription(description.Embedding));
            _outputNorm = new PreparedNorm(decoder, description.OutputNorm);
            _runner = new LayerRunner(Stream, _buffers, _choices, description, decoder.LatentForm, options.Precision);
            _graphs = disposer.Add(new StepGraphs(Stream, EnqueueStep));
            _mtp = options.UseMtp ? disposer.Add(new MtpRunner(decoder, options, _runner, Stream, _buffers, NumMoeLayers)) : null;
        }
        catch
        {
            disposer.Dispose();
            throw;
        }

        _disposer = disposer;
    }

    private readonly Disposer _disposer;

    /// <summary>The stream that steps are enqueued on; synchronise it before reading results on the host.</summary>
    public ComputeStream Stream { get; }

    public DecoderDescription Description => _decoder.Description;

    public ExecutorOptions Options => _options;

    /// <summary>Most positions of one sequence.</summary>
    public int MaxContext { get; }

    /// <summary>Positions of a cache page.</summary>
    public int PageTokens => _options.PageTokens;

    /// <summary>Most pages of one sequence in one cache group.</summary>
    public int PagesPerSequence { get; }

    /// <summary>Pages of each cache group; of the smallest where they differ.</summary>
    public int NumPages { get; }

    /// <summary>Cache groups, each with a page table of its own.</summary>
    public int NumKvGroups { get; }

    /// <summary>Layers with experts, multi-token-prediction layers not counted.</summary>
    public int NumMoeLayers => _decoder.Description.Layers.Count(l => l.FeedForward is MoeDescription);

    /// <summary>Experts of a token; 0 without experts.</summary>
    public int TopK => _choices?.TopK ?? 0;

    /// <summary>Bytes of caches and activations.</summary>
    public long SizeBytes => _caches.Sum(c => c.TotalBytes) + _buffers.SizeBytes + (_mtp?.CacheBytes ?? 0);

    /// <summary>[logit rows of the last step, vocabulary], valid until the next step; the columns past the tokenizer's vocabulary are padding.</summary>
    public Tensor Logits { get; private set; }

    /// <summary>
    /// Where the inputs of the model's matrices are summed up while steps run, for calibration (slow, allocates); null: nowhere.
    /// The experts' last matrices are not seen.
    /// </summary>
    public ImportanceMatrix? Calibration
    {
        get => _runner.Inputs?.Importance;
        set => _runner.Inputs = value is null ? null : new InputCollector(_decoder, Stream, value);
    }

    /// <summary>Runs one step. Results are valid once <see cref="Stream"/> is synchronised.</summary>
    /// <exception cref="NativeException">The arrays contradict each other or exceed the limits, or a token or page number is out of range.</exception>
    public void Run(in BatchContent content)
    {
        _batch.Update(Stream, content);
        Logits = LogitsOf(_batch);
        if (CanLaunchGraph())
        {
            _graphs.Launch(_batch.NumTokens, _batch.NumLogitRows);
            return;
        }

        EnqueueStep();
        _choices?.EndForce();
    }

    /// <summary>Whether a step's ops follow from its number of tokens and logit rows.</summary>
    private bool CanLaunchGraph() =>
        _batch.NumTokens <= StepGraphs.MaxTokens && _decoder.LatentForm != LatentForm.Mixed && _runner.Inputs is null && _choices is not { IsForced: true };

    private void EnqueueStep()
    {
        Tensor residual = _buffers.Residual.SliceRows(0, _batch.NumTokens);
        DecoderDescription decoder = _decoder.Description;
        Stream.Embedding(_batch, _decoder.Weight(decoder.Embedding), residual, decoder.EmbeddingScale);
        for (int i = 0; i < decoder.Ropes.Length; i++)
        {
            OriginalRope? original = decoder.Ropes[i].Original is { } within && MaxContext <= within.MaxContext ? within : null;
            Stream.RopeTable(_batch, _decoder.RopeFrequencies(i, original is not null), _buffers.RopeTables[i].SliceRows(0, _batch.NumTokens), original?.Factor ?? decoder.Ropes[i].Factor);
        }

        int moeLayer = 0;
        foreach (PreparedLayer layer in _layers)
        {
            _runner.Run(_batch, layer, moeLayer);
            moeLayer += layer.Moe is null ? 0 : 1;
        }

        if (_options.UseMtp)
        {
            Stream.RmsNorm(residual, _outputNorm.Weight, _buffers.FinalHidden.SliceRows(0, _batch.NumTokens), _outputNorm.Epsilon);
        }

        ComputeLogits(_batch, _outputNorm, _head);
    }

    /// <summary>
    /// Runs the multi-token-prediction layer over the tokens of the step just run: the batch must have the same positions and
    /// offsets, its token ids are the tokens that follow each of them, and its page tables have one group, the layer's own.
    /// A token whose successor is not known yet may be given any id: its row is then meaningless and is written again later.
    /// </summary>
    /// <exception cref="InvalidOperationException">The executor was made without multi-token prediction, or no step was run.</exception>
    public void RunMtp(in BatchContent next)
    {
        if (_mtp is null || next.TokenIds.Length != _batch.NumTokens)
        {
            throw new InvalidOperationException($"Multi-token prediction follows a step of as many tokens (here {next.TokenIds.Length}), in an executor made with UseMtp.");
        }

        _mtp.Run(next);
        Logits = LogitsOf(_mtp.Batch);
        ComputeLogits(_mtp.Batch, _mtp.OutputNorm, _mtp.OutputHead ?? _head);
        _choices?.EndForce();
    }

    /// <summary>Enqueues copies of whole pages of a cache group (all its layers), for copy-on-write; before the step that writes the targets.</summary>
    /// <exception cref="NativeException">A page number is out of range, or a page is both source and target.</exception>
    public void CopyPages(int group, ReadOnlySpan<int> sources, ReadOnlySpan<int> targets) => _caches[group].CopyPages(Stream, sources, targets);

    /// <summary>Bytes of one page of each cache group.</summary>
    public static ImmutableArray<long> QueryPageBytes(LoadedDecoder decoder, ExecutorOptions options)
    {
        ArgumentNullException.ThrowIfNull(decoder);
        ArgumentNullException.ThrowIfNull(options);
        return [.. decoder.Description.KvGroups.Select((group, g) => KvCache.QueryPageBytes(decoder.Device, CacheOf(group, g, options, 1)))];
    }

    /// <summary>Prescribes the experts of the next step: [layers with experts (in <see cref="RunMtp"/>: its own are last), tokens, top k].</summary>
    public void ForceExpertChoices(ReadOnlySpan<int> choices, int numTokens) =>
        (_choices ?? throw new InvalidOperationException("The model has no experts.")).Force(Stream, choices, numTokens);

    /// <summary>Reads which experts the tokens of the last step chose in a layer with experts: [tokens, top k]; -1 where capacity dropped a choice.</summary>
    public void ReadExpertChoices(int moeLayer, Span<int> choices) =>
        (_choices ?? throw new InvalidOperationException("The model has no experts.")).Read(Stream, moeLayer, choices);

    /// <inheritdoc/>
    public void Dispose() => _disposer.Dispose();

    internal static KvCacheDescription CacheOf(KvGroupDescription group, int index, ExecutorOptions options, int numPages) => new()
    {
        Format = (TensorFormat)options.KvFormat,
        NumLayers = group.Layers.Length,
        NumKvHeads = group.NumKeyValueHeads,
        KeyWidth = group.KeyWidth,
        ValueWidth = group.ValueWidth,
        LatentWidth = group.LatentWidth,
        PageTokens = options.PageTokens,
        NumPages = numPages,
        Window = group.Window,
        Group = index,
        RoutedExperts = group.RoutedExperts,
        RoutedChoices = group.RoutedChoices,
    };

    private KvCacheDescription CacheOf(KvGroupDescription group, int index) => CacheOf(group, index, _options, _options.TotalPages(_decoder.Description, index));

    private ExpertChoices? CreateChoices(bool withMtp)
    {
        DecoderDescription description = _decoder.Description;
        MoeDescription[] layers = [.. description.Layers.Concat(withMtp ? description.MtpLayers.Select(m => m.Layer) : []).Select(l => l.FeedForward).OfType<MoeDescription>()];
        if (layers.Length == 0)
        {
            return null;
        }

        int topK = layers[0].Router.TopK;
        return layers.All(l => l.Router.TopK == topK)
            ? new ExpertChoices(_decoder.Device, layers.Length, _options.MaxTokens, topK, _options.RecordExpertChoices)
            : throw new NotSupportedException("Layers that choose different numbers of experts are not supported.");
    }

    private Tensor LogitsOf(Batch batch) => batch.NumLogitRows == 0 ? default : _buffers.Logits.SliceRows(0, batch.NumLogitRows);

    private void ComputeLogits(Batch batch, in PreparedNorm norm, in PreparedProjection head)
    {
        int rows = batch.NumLogitRows;
        if (rows == 0)
        {
            return;
        }

        Tensor input = _buffers.LogitInput.SliceRows(0, rows);
        Stream.GatherRows(batch, _buffers.Residual.SliceRows(0, batch.NumTokens), input);
        _runner.Inputs?.Add(_head.Weight, input, norm);
        Stream.Linear(new LinearParams
        {
            Precision = _options.Precision,
            Input = input,
            NormWeight = norm.Weight,
            NormEpsilon = norm.Epsilon,
            Targets = [head.To(LogitsOf(batch))],
        });
    }
}
