using Moesaic.Engine;

namespace Moesaic.Server.Chat;

/// <summary>A conversation to answer and how, whatever protocol it came by.</summary>
internal sealed record ChatCall
{
    public required ChatPrompt Prompt { get; init; }

    public required SamplingParameters Sampling { get; init; }

    public int NumSamples { get; init; } = 1;

    /// <summary>Lower is sooner.</summary>
    public int Priority { get; init; }

    public string CacheSalt { get; init; } = "";

    /// <summary>Alternatives to each prompt token; null: nothing is wanted of the prompt.</summary>
    public int? PromptLogprobs { get; init; }

    /// <summary>Whether thinking is told apart from the answer; otherwise it stays in the text with its markers.</summary>
    public bool SeparateReasoning { get; init; } = true;

    /// <summary>Whether calls after the first are dropped.</summary>
    public bool OneToolCall { get; init; }

    /// <summary>Whether special tokens are left out of the text.</summary>
    public bool SkipSpecialTokens { get; init; } = true;

    public bool IncludeStopString { get; init; }
}
