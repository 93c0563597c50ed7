using System.Collections.Immutable;
using System.Diagnostics;
using Moesaic.Interop;
using Moesaic.Models.ChatTemplates;
using Moesaic.Models.Decoder;
using Moesaic.Models.Embedded;
using Moesaic.Models.Families;
using Moesaic.Models.Tokenizers;

namespace Moesaic.Engine;

/// <summary>A model ready to run: device, weights, tokenizer, chat template, generation defaults and end ids.</summary>
/// <remarks>Sessions, generators and scorers made from it may be used from different threads, each by one at a time.</remarks>
public sealed class ModelRuntime : IDisposable
{
    private readonly EngineOptions _options;
    private readonly ModelText _text;

    private ModelRuntime(EngineOptions options, OpenedModel model, ModelText text, LoadPlan plan, Device device, LoadedDecoder decoder, TimeSpan loadTime)
    {
        _options = options;
        _text = text;
        Name = model.Location.Name;
        Device = device;
        Decoder = decoder;
        Ignored = plan.Ignored;
        LoadTime = loadTime;
        SourceBytes = plan.SourceBytes;
        MaxContext = options.MaxContext ?? Math.Min(decoder.Description.ContextLength, EngineOptions.DefaultMaxContext);
    }

    /// <summary>The folder or file that the model came from.</summary>
    public string Name { get; }

    public Device Device { get; }

    public LoadedDecoder Decoder { get; }

    public DecoderDescription Description => Decoder.Description;

    /// <summary>Tensors of the checkpoint that were not read, and why.</summary>
    public ImmutableArray<IgnoredTensor> Ignored { get; }

    /// <summary>From the call of <see cref="Load"/> to its return.</summary>
    public TimeSpan LoadTime { get; }

    /// <summary>Bytes read from the checkpoint.</summary>
    public long SourceBytes { get; }

    /// <summary>Most positions of a sequence.</summary>
    public int MaxContext { get; }

    /// <summary>Whether <see cref="Tokenizer"/> can be used.</summary>
    public bool HasTokenizer => _text.HasUsableTokenizer;

    /// <exception cref="Models.ModelFormatException">The model has no tokenizer, or it cannot be used.</exception>
    public Tokenizer Tokenizer => _text.Tokenizer;

    /// <summary>Null when the model has none.</summary>
    public ChatTemplate? ChatTemplate => _text.ChatTemplate;

    /// <summary>Tokens at which generation ends.</summary>
    public IReadOnlySet<int> EndIds => _text.EndIds;

    /// <summary>Tokens that may be drawn; the decoder's rows past them are padding.</summary>
    public int VocabularySize => _text.VocabularySize;

    /// <summary>The sampling that the model's author recommends; greedy where there is none.</summary>
    public SamplingParameters DefaultSampling { get; private init; } = new() { Temperature = 0 };

    /// <summary>Loads a model.</summary>
    /// <param name="path">A Hugging Face folder or a GGUF file; null: the embedded model.</param>
    /// <param name="options">How to load and run it.</param>
    /// <exception cref="Models.ModelFormatException">There is no usable model; the message names file, field and value.</exception>
    /// <exception cref="ArgumentException">An option is impossible for the model.</exception>
    /// <exception cref="NativeException">The device cannot be opened or is out of memory.</exception>
    /// <exception cref="InsufficientMemoryException">The model cannot fit into the memory that is left.</exception>
    /// <exception cref="OperationCanceledException">The load was cancelled.</exception>
    public static ModelRuntime Load(string? path = null, EngineOptions? options = null)
    {
        options ??= new EngineOptions();
        long started = Stopwatch.GetTimestamp();
        using OpenedModel model = OpenedModel.Open(path ?? EmbeddedModel.Path);
        (options.Accept ?? (_ => RefuseEncoderDecoder(model)))(model.Description);
        CheckContext(model.Description, options);
        ModelText text = ModelText.Read(model, options.ChatTemplatePath);
        SamplingParameters sampling = GenerationDefaults.Read(Models.Configurations.JsonConfig.LoadIfPresent(model.Location.Files?.GenerationConfig));
        LoadPlan plan = LoadPlan.Create(options.EditDescription?.Invoke(model.Description) ?? model.Description, model.Checkpoint, options.LoadMtp, options.LatentForm);
        Device device = Device.Open(options.Device);
        try
        {
            RequireMemory(device, plan, options);
            LoadedDecoder decoder = DecoderLoader.Load(device, plan, new LoadOptions
            {
                Announce = options.Announce,
                Progress = options.Progress,
                Cancellation = options.Cancellation,
            });
            return new ModelRuntime(options, model, text, plan, device, decoder, Stopwatch.GetElapsedTime(started)) { DefaultSampling = sampling };
        }
        catch
        {
            device.Dispose();
            throw;
        }
    }

    /// <summary>A session that generates ids.</summary>
    public GenerationSession CreateSession() => new(Decoder, ExecutorOptions(), VocabularySize, EndIds);

    /// <summary>A generator of text.</summary>
    /// <exception cref="Models.ModelFormatException">The model has no usable tokenizer.</exception>
    public TextGenerator CreateGenerator() => new(CreateSession(), Tokenizer);

    /// <summary>A scorer of given sequences.</summary>
    /// <param name="useMtp">Whether the multi-token-prediction layer's logits are wanted too; it must have been loaded.</param>
    public Scorer CreateScorer(bool useMtp = false) => new(Decoder, ExecutorOptions() with { UseMtp = useMtp }, VocabularySize);

    /// <summary>A scorer of given inputs and outputs of an encoder-decoder; <see cref="EngineOptions.KvFormat"/> is best F32 there (<see cref="EncoderDecoderOptions.KvFormat"/>).</summary>
    /// <param name="maxInputTokens">Tokens of the longest input; null: as many as <see cref="MaxContext"/>.</param>
    /// <param name="maxOutputTokens">Tokens of the longest output; null: as many as <see cref="MaxContext"/>.</param>
    /// <exception cref="ArgumentException">The model is no encoder-decoder, or a length is impossible.</exception>
    public EncoderDecoderScorer CreateEncoderDecoderScorer(int? maxInputTokens = null, int? maxOutputTokens = null)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maxInputTokens ?? 0, MaxContext);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maxOutputTokens ?? 0, MaxContext);
        return new(
            Decoder,
            new EncoderDecoderOptions
            {
                Precision = _options.Precision,
                KvFormat = _options.KvFormat,
                MaxInputTokens = maxInputTokens ?? MaxContext,
                MaxOutputTokens = maxOutputTokens ?? MaxContext,
            },
            VocabularySize);
    }

    /// <summary>Whether the template tells the model of a conversation's tools; many templates do not.</summary>
    public bool ShowsTools => _text.ShowsTools;

    /// <summary>The ids of a conversation, up to where the model's answer begins.</summary>
    /// <exception cref="Models.ModelFormatException">The model has no chat template or no tokenizer.</exception>
    /// <exception cref="ChatTemplateException">The template refuses the conversation.</exception>
    public IReadOnlyList<int> EncodeChat(IReadOnlyList<ChatTurn> turns) => EncodeChat(new ChatPrompt { Turns = turns });

    /// <summary>The ids of a conversation.</summary>
    /// <inheritdoc cref="RenderChat(ChatPrompt)"/>
    public IReadOnlyList<int> EncodeChat(ChatPrompt prompt) => EncodeRendered(RenderChat(prompt));

    /// <summary>The ids of a text that <see cref="RenderChat(ChatPrompt)"/> gave, for callers that need the text too.</summary>
    public IReadOnlyList<int> EncodeRendered(string text) => Tokenizer.Encode(text, addSpecialTokens: false);

    /// <summary>The text of a conversation, up to where the model's answer begins.</summary>
    /// <inheritdoc cref="EncodeChat(IReadOnlyList{ChatTurn})"/>
    public string RenderChat(IReadOnlyList<ChatTurn> turns) => RenderChat(new ChatPrompt { Turns = turns });

    /// <summary>The text of a conversation.</summary>
    /// <exception cref="Models.ModelFormatException">The model has no chat template or no tokenizer.</exception>
    /// <exception cref="ChatTemplateException">The template refuses the conversation.</exception>
    /// <exception cref="ArgumentException">The prompt contradicts itself, or the arguments of an earlier call are no JSON object.</exception>
    public string RenderChat(ChatPrompt prompt) => _text.Render(prompt);

    /// <inheritdoc/>
    public void Dispose()
    {
        Decoder.Dispose();
        Device.Dispose();
    }

    /// <exception cref="Models.ModelFormatException">The model's input and output are apart, which nothing but scoring can do with.</exception>
    internal static void RefuseEncoderDecoder(OpenedModel model)
    {
        if (model.Description.Encoder is not null)
        {
            throw new Models.ModelFormatException(
                model.Location.Files?.Config ?? model.Location.Name,
                "architectures",
                $"'{model.Description.Architecture}' is an encoder-decoder ({model.Description.Family}): it can be scored with ids of both halves (moesaic score --ids FILE with ids and decoder_ids), but not generate, chat, be served or be measured.");
        }
    }

    // Refuses only what clearly cannot be: what is needed is counted low, and swap counts as memory.
    private static void RequireMemory(Device device, LoadPlan plan, EngineOptions options)
    {
        MemoryReport? memory = options.Memory is { } probe ? probe() : MemoryReport.Read();
        if (memory is not { } found)
        {
            return;
        }

        int context = options.MaxContext ?? Math.Min(plan.Description.ContextLength, EngineOptions.DefaultMaxContext);
        long weights = DecoderLoader.LeastBytes(device, plan);
        long cache = ModelCosts.Of(plan).CacheBytes(options.KvFormat, context);
        if (weights + cache > found.AvailableBytes)
        {
            throw new InsufficientMemoryException(
                $"{plan.Checkpoint.Path}: the model needs at least {Mebibytes(weights + cache)} MiB ({Mebibytes(weights)} for its weights, {Mebibytes(cache)} for a cache of {context} positions), but only {Mebibytes(found.AvailableBytes)} MiB are available ({found.Limit}). "
                + "Use a file quantised to fewer bits, a smaller context, or a machine or memory limit with more room.");
        }

        static long Mebibytes(long bytes) => bytes >> 20;
    }

    private static void CheckContext(DecoderDescription description, EngineOptions options)
    {
        if (options.MaxContext is < 1 || options.MaxContext > description.ContextLength)
        {
            throw new ArgumentException($"A context of {options.MaxContext} positions is not possible; the model was made for 1 to {description.ContextLength}.", nameof(options));
        }

        if (options.PrefillChunk < 1)
        {
            throw new ArgumentException($"A prefill chunk of {options.PrefillChunk} tokens is not possible; expected at least 1.", nameof(options));
        }
    }

    /// <summary>Bytes of memory that this process can still take; null: not known.</summary>
    internal long? AvailableMemory() => (_options.Memory is { } probe ? probe() : MemoryReport.Read())?.AvailableBytes;

    /// <summary>Arithmetic and bounds of an executor for one sequence.</summary>
    internal ExecutorOptions ExecutorOptions() => new()
    {
        Precision = _options.Precision,
        KvFormat = _options.KvFormat,
        MaxContext = MaxContext,
        MaxTokens = Math.Min(_options.PrefillChunk, MaxContext),
    };
}
