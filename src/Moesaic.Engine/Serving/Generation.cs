using System.Collections.Immutable;
using Moesaic.Models.Tokenizers;
using Moesaic.Scheduling;

namespace Moesaic.Engine;

/// <summary>A request that an <see cref="InferenceEngine"/> was given.</summary>
public sealed class Generation
{
    private readonly ServedRequest _served;
    private readonly TimeProvider _clock;

    internal Generation(ServedRequest served, GenerationRequest request, ulong seed, ImmutableArray<int> endIds, Tokenizer? tokenizer, TimeProvider clock)
    {
        _served = served;
        _clock = clock;
        Seed = seed;
        NumPromptTokens = request.Prompt.Length;
        Samples = [.. served.Samples.Select(s => new GenerationSample(s, request, endIds, tokenizer))];
    }

    /// <summary>Whether the request was taken, or why not; soon after it was handed in. Fails if the engine ends before.</summary>
    public Task<SubmitResult> Admission => _served.Admission;

    /// <summary>The answers. One for each that was asked for, unless there are more than sequences may run, for which the request is refused.</summary>
    public ImmutableArray<GenerationSample> Samples { get; }

    public int NumPromptTokens { get; }

    /// <summary>Prompt tokens that the prefix cache held; known once there is a token, 0 before.</summary>
    public int NumCachedTokens => _served.CachedTokens;

    /// <summary>The seed in use: the request's, or the one taken in its place.</summary>
    public ulong Seed { get; }

    /// <summary>How probable the model found the prompt, token by token; null if that was not asked for. Cancelled if the request ends before its prompt is computed.</summary>
    public Task<ImmutableArray<PromptTokenLogprob>>? PromptLogprobs => _served.Scores?.Result;

    /// <summary>From the submission until it first ran; null: it has not.</summary>
    public TimeSpan? TimeInQueue => Since(_served.Admitted);

    /// <summary>From the submission to the first token of any sample; null: there is none.</summary>
    public TimeSpan? TimeToFirstToken => Since(_served.FirstToken);

    /// <summary>From the submission to the latest token; null: there is none.</summary>
    public TimeSpan? TimeToLastToken => Since(_served.LastToken);

    /// <summary>Ends all samples; their blocks are free within one step. Tokens drawn before can still be read.</summary>
    public void Cancel() => _served.Cancel();

    private TimeSpan? Since(long timestamp) => timestamp == 0 ? null : _clock.GetElapsedTime(_served.Submitted, timestamp);
}
