using Moesaic.Engine;

namespace Moesaic.Cli.Verbs;

/// <summary>What an answer took, for people.</summary>
internal static class AnswerSummary
{
    /// <param name="answer">The answer.</param>
    /// <param name="loadTime">Left out where the model was loaded for more than this answer.</param>
    public static string Line(Answer answer, TimeSpan? loadTime = null)
    {
        GenerationTimings t = answer.Timings;
        string cached = t.ReusedTokens > 0 ? $" ({t.ReusedTokens} of them cached)" : "";
        string loaded = loadTime is { } time ? Loaded(time) + ", " : "";
        return FormattableString.Invariant(
            $"[prefill {t.PromptTokens} tokens{cached} at {t.PrefillTokensPerSecond:F1} tokens/s, decode {t.GeneratedTokens} tokens at {t.DecodeTokensPerSecond:F1} tokens/s, {loaded}ended by {answer.FinishName}]");
    }

    public static string Loaded(TimeSpan time) => FormattableString.Invariant($"loaded in {time.TotalSeconds:F2} s");
}
