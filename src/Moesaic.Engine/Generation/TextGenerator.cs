using System.Collections.Immutable;
using System.Text;
using Moesaic.Models.Tokenizers;

namespace Moesaic.Engine;

/// <summary>Generates text: draws ids in a session, decodes them as they come, and ends at stop strings.</summary>
/// <remarks>One thread at a time. The cache lives on between calls: of a prompt that continues the last one, only the new part is computed.</remarks>
public sealed class TextGenerator(GenerationSession session, Tokenizer tokenizer) : IDisposable
{
    /// <summary>The session behind it; it owns the cache.</summary>
    public GenerationSession Session { get; } = session;

    /// <summary>What the last generation took so far.</summary>
    public GenerationTimings Timings => Session.Timings;

    /// <summary>Streams an answer. The events end with one whose finish reason is set.</summary>
    /// <param name="prompt">Token ids.</param>
    /// <param name="parameters">How tokens are chosen.</param>
    /// <param name="skipSpecialTokens">Whether special tokens are left out of the text.</param>
    /// <param name="cancellation">Ends the stream with <see cref="FinishReason.Cancelled"/>.</param>
    /// <exception cref="ArgumentException">The prompt is empty or holds an id that is no token, or a parameter is impossible.</exception>
    /// <exception cref="ContextExceededException">The prompt is longer than the context.</exception>
    public IEnumerable<GenerationEvent> Generate(IReadOnlyList<int> prompt, SamplingParameters parameters, bool skipSpecialTokens = true, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        ArgumentNullException.ThrowIfNull(parameters);
        Session.Begin([.. prompt], parameters);
        return Stream(parameters, skipSpecialTokens, cancellation);
    }

    /// <summary>As <see cref="Generate"/>, all at once.</summary>
    public GenerationResult Complete(IReadOnlyList<int> prompt, SamplingParameters parameters, bool skipSpecialTokens = true, CancellationToken cancellation = default)
    {
        StringBuilder text = new();
        FinishReason finish = FinishReason.None;
        foreach (GenerationEvent step in Generate(prompt, parameters, skipSpecialTokens, cancellation))
        {
            text.Append(step.Text);
            finish = step.Finish;
        }

        return new GenerationResult(text.ToString(), Session.Generated.ToArray(), finish, Timings);
    }

    /// <inheritdoc/>
    public void Dispose() => Session.Dispose();

    private IEnumerable<GenerationEvent> Stream(SamplingParameters parameters, bool skipSpecialTokens, CancellationToken cancellation)
    {
        AnswerText answer = new(tokenizer.CreateStreamingDecoder(skipSpecialTokens), parameters);
        while (Session.TryNext(out GeneratedToken token, cancellation))
        {
            string text = token.Finish == FinishReason.StopId ? string.Empty : answer.Add(token.Id);
            if (token.Finish != FinishReason.None)
            {
                text += answer.Finish();
            }

            if (answer.IsStopped)
            {
                Session.End(FinishReason.StopString);
                token = token with { Finish = FinishReason.StopString };
            }

            ImmutableArray<TokenAlternative> alternatives = parameters.TopLogprobs > 0 ? Session.Alternatives() : [];
            yield return new GenerationEvent(text, token, alternatives, token.Finish);
            if (token.Finish != FinishReason.None)
            {
                yield break;
            }
        }

        // Cancelled between tokens: what was held back is part of the answer.
        yield return new GenerationEvent(answer.Finish(), null, [], Session.Finish);
    }
}
