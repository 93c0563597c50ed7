namespace Moesaic.Engine;

/// <summary>What a parser looks for in a reply.</summary>
public sealed record ReplyParserOptions
{
    /// <summary>Take tool calls out of the text; set it when the request has tools.</summary>
    public bool Tools { get; init; }

    /// <summary>Take thinking out of the text; otherwise it stays in the content with its markers.</summary>
    public bool Reasoning { get; init; } = true;

    /// <summary>The end of the rendered prompt (or all of it): a template may already have opened the thinking.</summary>
    public string PromptTail { get; init; } = string.Empty;

    /// <summary>The prompt ends inside the reply (<see cref="ChatPrompt.ContinueFinalMessage"/>), and <see cref="PromptTail"/> is that beginning of the reply.</summary>
    public bool Continues { get; init; }

    /// <summary>Leave special tokens in the text that have no meaning in the format.</summary>
    public bool ShowSpecialTokens { get; init; }

    /// <summary>Makes the ids of calls repeatable; null: random ones.</summary>
    public int? IdSeed { get; init; }
}
