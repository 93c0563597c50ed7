namespace Moesaic.Cli.BenchServe;

/// <summary>What one request asks for. Exactly one of text, ids and messages is set.</summary>
internal sealed record BenchPrompt
{
    public string? Text { get; init; }

    public int[]? Ids { get; init; }

    /// <summary>JSON of a conversation's messages, sent as it is.</summary>
    public string? Messages { get; init; }

    /// <summary>Tokens of the prompt as far as known; used where the host does not report them.</summary>
    public int? NumTokens { get; init; }

    /// <summary>Tokens to generate.</summary>
    public required int OutputTokens { get; init; }

    /// <summary>Seconds after the start at which it was recorded to arrive.</summary>
    public double? ArrivalTime { get; init; }
}
