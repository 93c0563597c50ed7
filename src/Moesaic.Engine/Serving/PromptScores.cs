using System.Collections.Immutable;

namespace Moesaic.Engine;

/// <summary>
/// Log-probabilities of a prompt's tokens, filled chunk by chunk by the executor's thread. What is computed again after
/// preemption is written again, with the same bits.
/// </summary>
/// <param name="prompt">The prompt.</param>
/// <param name="numAlternatives">Alternatives wanted with each token.</param>
internal sealed class PromptScores(ReadOnlyMemory<int> prompt, int numAlternatives)
{
    private readonly TaskCompletionSource<ImmutableArray<PromptTokenLogprob>> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Made when the prompt begins to run: a waiting one takes no memory for it.
    private PromptTokenLogprob[]? _tokens;

    public Task<ImmutableArray<PromptTokenLogprob>> Result => _result.Task;

    public int NumAlternatives => numAlternatives;

    /// <summary>The token after that of a position.</summary>
    public int Target(int position) => prompt.Span[position + 1];

    /// <summary>Notes the token that follows a position.</summary>
    public void Set(int position, float logprob, int? rank, ReadOnlySpan<int> ids, ReadOnlySpan<float> logprobs)
    {
        ImmutableArray<TokenAlternative>.Builder alternatives = ImmutableArray.CreateBuilder<TokenAlternative>(ids.Length);
        for (int i = 0; i < ids.Length; i++)
        {
            alternatives.Add(new TokenAlternative(ids[i], logprobs[i]));
        }

        _tokens ??= new PromptTokenLogprob[prompt.Length];
        _tokens[position + 1] = new PromptTokenLogprob(Target(position), logprob, rank, alternatives.MoveToImmutable());
    }

    /// <summary>All tokens are known: whoever waits is told, on the thread pool.</summary>
    public void Complete()
    {
        _tokens ??= new PromptTokenLogprob[prompt.Length];
        _tokens[0] = new PromptTokenLogprob(prompt.Span[0], null, null, []);
        _result.TrySetResult(ImmutableArray.Create(_tokens));
    }

    /// <summary>The request has ended; if that was before its prompt was complete, whoever waits is told.</summary>
    public void End() => _result.TrySetCanceled();
}
