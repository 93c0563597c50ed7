using System.Collections.Immutable;
using Moesaic.Interop;
using Moesaic.Models.Decoder;
using Moesaic.Scheduling;

namespace Moesaic.Engine;

/// <summary>
/// Serves many requests at a time with one model: every step mixes new tokens and parts of prompts of all that run. What a
/// request gets does not depend on the others, only when.
/// </summary>
/// <remarks>All members may be called from any thread. The runtime is not owned and must outlive the engine.</remarks>
public sealed class InferenceEngine : IDisposable
{
    // Logits kept for prompts, beside a row for each sequence.
    private const long MaxPromptLogitBytes = 64L << 20;

    private readonly ServingOptions _options;
    private readonly EngineLoop _loop;
    private readonly KvPlan _cache;
    private readonly TimeProvider _clock;

    /// <param name="runtime">The model.</param>
    /// <param name="options">Bounds and policy.</param>
    /// <exception cref="ArgumentException">A bound is impossible.</exception>
    /// <exception cref="NativeException">The device is out of memory.</exception>
    public InferenceEngine(ModelRuntime runtime, ServingOptions? options = null)
        : this(runtime, options ?? new ServingOptions(), static executor => executor)
    {
    }

    /// <param name="runtime">The model.</param>
    /// <param name="options">Bounds and policy.</param>
    /// <param name="wrap">Puts something between loop and executor, in tests.</param>
    internal InferenceEngine(ModelRuntime runtime, ServingOptions options, Func<IStepExecutor, IStepExecutor> wrap)
    {
        ArgumentNullException.ThrowIfNull(runtime);
        options.Validate();
        Runtime = runtime;
        _options = options;
        _clock = options.Clock;
        ExecutorOptions bounds = runtime.ExecutorOptions() with
        {
            MaxTokens = options.MaxTokensPerStep,
            MaxSequences = options.MaxSequences,
            MaxLogitRows = LogitRows(runtime, options),
            PageTokens = options.BlockTokens,
        };
        _cache = KvPlan.Create(
            runtime.Description.KvGroups, DecoderExecutor.QueryPageBytes(runtime.Decoder, bounds), bounds, runtime.MaxContext, options.KvCacheBytes, runtime.AvailableMemory() / 2);
        SchedulerOptions policy = new()
        {
            KvGroups = _cache.Groups,
            MaxContext = runtime.MaxContext,
            MaxSequences = options.MaxSequences,
            MaxTokensPerStep = options.MaxTokensPerStep,
            MaxPrefillChunk = options.MaxPrefillChunk,
            MaxLogitRows = bounds.MaxLogitRows,
            MaxWaiting = options.MaxWaiting,
            MaxWaitingPerTenant = options.MaxWaitingPerTenant,
            MaxWaitingTokens = options.MaxWaitingTokens,
            PrefixCaching = options.PrefixCaching,
            StepLogCapacity = options.StepLogCapacity,
        };
        StepRunner runner = new(runtime.Decoder, bounds with { GroupPages = [.. _cache.Groups.Select(static g => g.NumBlocks)] }, runtime.VocabularySize);
        IStepExecutor executor = wrap(new ModelStepExecutor(runner));
        try
        {
            _loop = new EngineLoop(policy, executor, options.Clock);
        }
        catch
        {
            executor.Dispose();
            throw;
        }
    }

    /// <summary>The model.</summary>
    public ModelRuntime Runtime { get; }

    /// <summary>Most positions of a sequence, prompt and answer together.</summary>
    public int MaxContext => Runtime.MaxContext;

    /// <summary>What ended the engine; null while it runs.</summary>
    public Exception? Failure => _loop.Failure;

    /// <summary>The latest steps; written by the engine's thread while it is read.</summary>
    internal StepLog Log => _loop.Scheduler.Log;

    /// <summary>Hands a request in; never waits.</summary>
    /// <exception cref="ArgumentException">A value is impossible, whatever else runs; the message names it.</exception>
    /// <exception cref="ContextExceededException">The prompt is longer than the context.</exception>
    /// <exception cref="InvalidOperationException">The engine has ended.</exception>
    /// <exception cref="Models.ModelFormatException">Text is wanted, and the model has no usable tokenizer.</exception>
    public Generation Submit(GenerationRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        SamplingParameters sampling = request.Sampling;
        ArgumentNullException.ThrowIfNull(sampling);
        Check(request, sampling);
        bool wantsText = request.WantsText ?? Runtime.HasTokenizer;
        if (wantsText)
        {
            _ = Runtime.Tokenizer;
        }

        int vocabulary = Runtime.VocabularySize;
        ulong seed = sampling.Seed ?? TokenSampler.NewSeed();
        ReadOnlyMemory<int> prompt = request.Prompt;
        PromptScores? scores = request.PromptLogprobs is { } alternatives ? new PromptScores(prompt, alternatives) : null;
        ImmutableArray<int> ends = [.. DrawState.EndIds(sampling, Runtime.EndIds)];
        ServedRequest served = _loop.Submit(
            new RequestOptions
            {
                Prompt = prompt,
                MaxTokens = sampling.MaxTokens,
                StopIds = ends,
                NumSamples = request.NumSamples,
                Priority = request.Priority,
                Tenant = request.Tenant,
                TenantWeight = request.TenantWeight,
                CacheSalt = request.CacheSalt,
                Timeout = request.Timeout,
                QueueTimeout = request.QueueTimeout,
                WantsPromptLogits = scores is not null,
            },
            sequence => new DrawState(
                sampling, seed, sampling.SampleIndex + (uint)sequence.Sample, prompt.Span, Runtime.EndIds, vocabulary,
                prompt.Length + Math.Min(sequence.Request.MaxTokens, FirstCounts)),
            scores,
            request.MaxUnreadTokens);
        return new Generation(served, request, seed, ends, wantsText ? Runtime.Tokenizer : null, _clock);
    }

    /// <summary>What the engine does and has done.</summary>
    public EngineStatistics Statistics()
    {
        Scheduler scheduler = _loop.Scheduler;
        SchedulerCounters counters = scheduler.Counters;
        int used = 0, cached = 0, free = 0;
        long evictions = 0;
        double usage = 0;
        for (int g = 0; g < scheduler.NumKvGroups; g++)
        {
            BlockUsage blocks = scheduler.BlocksOf(g);
            int total = _cache.Groups[g].NumBlocks;
            used += blocks.Used;
            cached += blocks.Cached;
            free += blocks.Free;
            evictions += blocks.Evictions;
            usage = Math.Max(usage, (double)blocks.Used / total);
        }

        return new EngineStatistics
        {
            Running = scheduler.NumRunning,
            Waiting = scheduler.NumWaiting,
            Preempted = scheduler.NumPreempted,
            KvCacheUsage = usage,
            BlocksTotal = _cache.Groups.Sum(static g => g.NumBlocks),
            BlocksUsed = used,
            BlocksCached = cached,
            BlocksFree = free,
            KvCacheBytes = _cache.Bytes,
            BlockTokens = _options.BlockTokens,
            RequestsAccepted = counters.RequestsAccepted,
            RequestsRejected = counters.RequestsRejected + _loop.NumRefused,
            Steps = counters.Steps,
            PromptTokens = counters.PrefixCacheQueries,
            CachedTokens = counters.PrefixCacheHits,
            GeneratedTokens = counters.GeneratedTokens,
            Preemptions = counters.Preemptions,
            RecomputedTokens = counters.RecomputedTokens,
            Evictions = evictions,
        };
    }

    /// <summary>Takes no request any more: further ones are refused as <see cref="RejectionReason.Draining"/>. What was taken goes on.</summary>
    public void StopAdmitting() => _loop.StopAdmitting();

    /// <summary>Stops admitting and waits until every request has ended; those that have not within the limit are cancelled.</summary>
    public async Task DrainAsync(TimeSpan limit)
    {
        StopAdmitting();
        Task idle = _loop.WhenIdle();
        try
        {
            await idle.WaitAsync(limit, _clock).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            _loop.CancelAllRequests();
            await idle.ConfigureAwait(false);
        }
    }

    /// <summary>Recounts the cache's blocks, between two steps. When nothing runs, no block may be in use.</summary>
    /// <returns>What is wrong, or null.</returns>
    public string? CheckIntegrity() => _loop.CheckIntegrityAsync().GetAwaiter().GetResult();

    /// <summary>Ends the engine: what lives is cancelled, the step that runs is awaited.</summary>
    public void Dispose() => _loop.Dispose();

    // Room for the counts of penalties that is taken at once; they grow past it.
    private const int FirstCounts = 1024;

    private static int LogitRows(ModelRuntime runtime, ServingOptions options)
    {
        if (!options.PromptLogprobs)
        {
            return options.MaxSequences;
        }

        long rows = MaxPromptLogitBytes / (runtime.Description.VocabularySize * (long)sizeof(float));
        return (int)Math.Clamp(options.MaxSequences + Math.Max(1, rows), options.MaxSequences, Math.Max(options.MaxSequences, options.MaxTokensPerStep));
    }

    private void Check(GenerationRequest request, SamplingParameters sampling)
    {
        sampling.Validate(Runtime.VocabularySize);
        ReadOnlySpan<int> prompt = request.Prompt.Span;
        if (prompt.IsEmpty)
        {
            throw new ArgumentException("The prompt has no tokens; expected at least one.", nameof(request));
        }

        if (prompt.Length > MaxContext)
        {
            throw new ContextExceededException(prompt.Length, MaxContext);
        }

        int ids = request.PromptLogprobs is null ? Runtime.Description.VocabularySize : Runtime.VocabularySize;
        if (prompt.ContainsAnyExceptInRange(0, ids - 1))
        {
            int id = prompt[prompt.IndexOfAnyExceptInRange(0, ids - 1)];
            throw new ArgumentException($"The prompt holds the id {id}; expected 0 to {ids - 1}.", nameof(request));
        }

        int most = Math.Min(SamplingParameters.MaxTopLogprobs, Runtime.VocabularySize);
        if (request.PromptLogprobs is { } asked && (asked < 0 || asked > most))
        {
            throw new ArgumentException($"PromptLogprobs is {asked}; expected 0 to {most}.", nameof(request));
        }

        if (request.MaxUnreadTokens < 1)
        {
            throw new ArgumentException($"MaxUnreadTokens is {request.MaxUnreadTokens}; expected at least 1.", nameof(request));
        }

        if (request.NumSamples < 1)
        {
            throw new ArgumentException($"NumSamples is {request.NumSamples}; expected at least 1.", nameof(request));
        }

        if (!sampling.StopStrings.IsEmpty && !(request.WantsText ?? Runtime.HasTokenizer))
        {
            throw new ArgumentException("StopStrings are given, but no text is made in which they could be found: use StopIds.", nameof(request));
        }
    }
}
