namespace Moesaic.Models.Tokenizers.Gguf;

/// <summary>Types of tokens in tokenizer.ggml.token_type.</summary>
internal enum GgufTokenType
{
    Undefined = 0,
    Normal = 1,
    Unknown = 2,
    Control = 3,
    UserDefined = 4,
    Unused = 5,
    Byte = 6,
}

/// <summary>The tokenizer keys of a GGUF file, checked against one another.</summary>
internal sealed record GgufTokenizerData
{
    /// <summary>The file, for messages.</summary>
    public required string File { get; init; }

    /// <summary>gpt2, llama, bert or t5.</summary>
    public required string Model { get; init; }

    public string? Pre { get; init; }

    /// <summary>general.name, on which Phi-3's treatment of spaces hangs.</summary>
    public string? ModelName { get; init; }

    public required string[] Tokens { get; init; }

    /// <summary>As many as tokens; zeros where the file has none.</summary>
    public required float[] Scores { get; init; }

    /// <summary>As many as tokens; all normal where the file has none.</summary>
    public required GgufTokenType[] Types { get; init; }

    public string[] Merges { get; init; } = [];

    public int? BosId { get; init; }

    public int? EosId { get; init; }

    public int? EotId { get; init; }

    public int? UnknownId { get; init; }

    public int? PaddingId { get; init; }

    public int? ClsId { get; init; }

    public int? SeparatorId { get; init; }

    public bool? AddBos { get; init; }

    public bool? AddEos { get; init; }

    public bool? AddSpacePrefix { get; init; }

    public bool? RemoveExtraWhitespaces { get; init; }

    public bool? Lowercase { get; init; }

    public bool? StripAccents { get; init; }

    public byte[] CharacterMap { get; init; } = [];
}
