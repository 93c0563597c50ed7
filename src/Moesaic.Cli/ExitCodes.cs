namespace Moesaic.Cli;

/// <summary>What the program ends with.</summary>
internal static class ExitCodes
{
    public const int Success = 0;

    /// <summary>An unknown verb or option, or an impossible value.</summary>
    public const int BadUsage = 2;

    /// <summary>A checkpoint, tokenizer or template that cannot be used.</summary>
    public const int BadModel = 3;

    /// <summary>A failure on the way.</summary>
    public const int RunFailure = 4;

    /// <summary>Ctrl-C or a request to end.</summary>
    public const int Interrupted = 130;
}
