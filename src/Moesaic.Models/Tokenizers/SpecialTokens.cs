namespace Moesaic.Models.Tokenizers;

/// <summary>The tokens with a role. Null where a tokenizer has none.</summary>
public sealed record SpecialTokens
{
    /// <summary>Beginning of a sequence.</summary>
    public string? Bos { get; init; }

    /// <summary>End of a sequence.</summary>
    public string? Eos { get; init; }

    /// <summary>Stands for unknown text.</summary>
    public string? Unknown { get; init; }

    /// <summary>Fills batches up.</summary>
    public string? Padding { get; init; }

    /// <summary>Further ids that end a generation (GGUF: end of turn, end of message).</summary>
    public IReadOnlyList<int> ExtraEndIds { get; init; } = [];
}
