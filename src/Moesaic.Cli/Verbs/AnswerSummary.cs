using Moesaic.Engine;

namespace Moesaic.Cli.Verbs;

/// <summary>What an answer took, for people.</summary>
internal static class AnswerSummary
{
    public static string Line(Answer answer, TimeSpan loadTime)
    {
        GenerationTimings t = answer.Timings;
        string cached = t.ReusedTokens > 0 ? $" ({t.ReusedTokens} of them cached)" : "";
        return FormattableString.Invariant(
            $"[prefill {t.PromptTokens} tokens{cached} at {t.PrefillTokensPerSecond:F1} tokens/s, decode {t.GeneratedTokens} tokens at {t.DecodeTokensPerSecond:F1} tokens/s, loaded in {loadTime.TotalSeconds:F2} s, ended by {answer.FinishName}]");
    }
}
