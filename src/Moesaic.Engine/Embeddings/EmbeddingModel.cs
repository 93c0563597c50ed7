using System.Collections.Immutable;
using System.Runtime.ExceptionServices;
using Moesaic.Interop;
using Moesaic.Models;
using Moesaic.Models.Decoder;
using Moesaic.Models.Encoder;
using Moesaic.Models.Tokenizers;

namespace Moesaic.Engine;

/// <summary>An encoder ready to make embeddings: device, weights, tokenizer, pooling.</summary>
/// <remarks>Runners made from it may be used from different threads, each by one at a time.</remarks>
public sealed class EmbeddingModel : IDisposable
{
    private readonly EngineOptions _options;
    private readonly LoadedEncoder _encoder;
    private readonly Tokenizer? _tokenizer;
    private readonly ExceptionDispatchInfo? _tokenizerError;

    private EmbeddingModel(EngineOptions options, OpenedEncoder opened, EncoderPlan plan, Device device, LoadedEncoder encoder)
    {
        _options = options;
        _encoder = encoder;
        Device = device;
        Name = opened.Location.Name;
        Ignored = plan.Ignored;
        MaxContext = options.MaxContext ?? Math.Min(Description.ContextLength, EngineOptions.DefaultMaxContext);
        try
        {
            _tokenizer = opened.Location.Files is { HasTokenizer: false } ? null : TokenizerLoader.Load(opened.Location.Folder ?? opened.Location.WeightsPath);
        }
        catch (ModelFormatException e)
        {
            _tokenizerError = ExceptionDispatchInfo.Capture(e);
        }
    }

    /// <summary>The folder or file that the model came from.</summary>
    public string Name { get; }

    public Device Device { get; }

    public EncoderDescription Description => _encoder.Description;

    /// <summary>Elements of a vector.</summary>
    public int Dimensions => Description.HiddenSize;

    /// <summary>Most tokens of a text, special tokens included.</summary>
    public int MaxContext { get; }

    /// <summary>Tensors of the checkpoint that were not read, and why.</summary>
    public ImmutableArray<IgnoredTensor> Ignored { get; }

    /// <summary>Whether <see cref="Tokenizer"/> can be used.</summary>
    public bool HasTokenizer => _tokenizer is not null;

    /// <exception cref="ModelFormatException">The model has no tokenizer, or it cannot be used.</exception>
    public Tokenizer Tokenizer
    {
        get
        {
            _tokenizerError?.Throw();
            return _tokenizer ?? throw new ModelFormatException(Name, "tokenizer", "the model has no tokenizer; expected tokenizer.json or another tokenizer file beside it, or give token ids instead of text.");
        }
    }

    /// <summary>Loads an encoder.</summary>
    /// <param name="path">A Hugging Face folder or a GGUF file.</param>
    /// <param name="options">How to load and run it; options of generation do not count.</param>
    /// <exception cref="ModelFormatException">There is no usable encoder; the message names file, field and value.</exception>
    /// <exception cref="ArgumentException">An option is impossible for the model.</exception>
    /// <exception cref="NativeException">The device cannot be opened or is out of memory.</exception>
    /// <exception cref="InsufficientMemoryException">The model cannot fit into the memory that is left.</exception>
    /// <exception cref="OperationCanceledException">The load was cancelled.</exception>
    public static EmbeddingModel Load(string path, EngineOptions? options = null)
    {
        options ??= new EngineOptions();
        using OpenedEncoder opened = OpenedEncoder.Open(path);
        if (options.MaxContext is < 1 || options.MaxContext > opened.Description.ContextLength)
        {
            throw new ArgumentException($"A context of {options.MaxContext} positions is not possible; the model was made for 1 to {opened.Description.ContextLength}.", nameof(options));
        }

        EncoderPlan plan = EncoderPlan.Create(opened.Description, opened.Checkpoint);
        Device device = Device.Open(options.Device);
        try
        {
            MemoryReport? memory = options.Memory is { } probe ? probe() : MemoryReport.Read();
            if (memory is { } found && DecoderLoader.LeastBytes(device, plan) > found.AvailableBytes)
            {
                throw new InsufficientMemoryException($"{path}: the weights need at least {DecoderLoader.LeastBytes(device, plan) >> 20} MiB, but only {found.AvailableBytes >> 20} MiB are available ({found.Limit}).");
            }

            LoadedEncoder encoder = LoadedEncoder.Load(device, plan, new LoadOptions { Announce = options.Announce, Progress = options.Progress, Cancellation = options.Cancellation });
            return new EmbeddingModel(options, opened, plan, device, encoder);
        }
        catch
        {
            device.Dispose();
            throw;
        }
    }

    /// <summary>The ids of a text, with the special tokens that belong around it.</summary>
    /// <exception cref="ModelFormatException">The model has no usable tokenizer.</exception>
    /// <exception cref="ContextExceededException">The text is longer than the model takes.</exception>
    public int[] Encode(string text)
    {
        int[] ids = [.. Tokenizer.Encode(text, addSpecialTokens: true)];
        Check(ids);
        return ids;
    }

    /// <summary>Refuses ids that the model cannot embed.</summary>
    /// <exception cref="ContextExceededException">There are more than the model has positions for.</exception>
    /// <exception cref="ArgumentException">There are none, or one is no token of the model.</exception>
    public void Check(ReadOnlySpan<int> ids)
    {
        if (ids.IsEmpty)
        {
            throw new ArgumentException("a text without tokens has no embedding");
        }

        if (ids.Length > MaxContext)
        {
            throw new ContextExceededException(ids.Length, MaxContext);
        }

        for (int i = 0; i < ids.Length; i++)
        {
            if (ids[i] < 0 || ids[i] >= Description.VocabularySize)
            {
                throw new ArgumentException($"token {i} is {ids[i]}; the model has the tokens 0 to {Description.VocabularySize - 1}");
            }

            if (ids[i] == Description.PaddingId)
            {
                throw new ArgumentException($"token {i} is {ids[i]}, the padding token, which has no position in this model: leave padding out");
            }
        }
    }

    /// <summary>A runner with memory of its own.</summary>
    public EmbeddingRunner CreateRunner() => new(this, new EncoderExecutor(_encoder, new EncoderOptions
    {
        Precision = _options.Precision,
        MaxContext = MaxContext,
        MaxTokens = Math.Max(EmbeddingRunner.DefaultTokens, MaxContext),
    }));

    /// <inheritdoc/>
    public void Dispose()
    {
        _encoder.Dispose();
        Device.Dispose();
    }
}
