namespace Moesaic.Cli;

/// <summary>What the program ends with.</summary>
internal static class ExitCodes
{
    public const int Success = 0;

    /// <summary>An unknown verb or option, an impossible value, or an input that cannot be used.</summary>
    public const int BadUsage = 2;

    /// <summary>A checkpoint, tokenizer or template that cannot be used.</summary>
    public const int BadModel = 3;

    /// <summary>A failure on the way.</summary>
    public const int RunFailure = 4;

    /// <summary>Of the performance gate: something was judged and missed its budget.</summary>
    public const int BudgetMissed = 4;

    /// <summary>Of the performance gate: it could not judge.</summary>
    public const int NotJudged = 5;

    /// <summary>Ctrl-C: 128 and the number of SIGINT, as shells count.</summary>
    public const int Interrupted = 130;

    /// <summary>Whoever read standard output went away: 128 and the number of SIGPIPE.</summary>
    public const int OutputClosed = 141;

    /// <summary>A request to end: 128 and the number of SIGTERM.</summary>
    public const int Terminated = 143;
}
