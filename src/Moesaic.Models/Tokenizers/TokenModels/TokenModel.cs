namespace Moesaic.Models.Tokenizers.TokenModels;

/// <summary>Turns one piece of pre-tokenized text into ids. Immutable and thread-safe (caches excepted, which are so too).</summary>
internal abstract class TokenModel
{
    /// <summary>Number of different tokens.</summary>
    public abstract int VocabularySize { get; }

    /// <summary>Appends the ids of a piece of text.</summary>
    /// <exception cref="TokenizationException">A character is unknown and the model has no unknown token.</exception>
    public abstract void Tokenize(ReadOnlySpan<char> piece, List<int> ids);

    /// <summary>The id of a token, or -1.</summary>
    public abstract int TokenToId(ReadOnlySpan<char> token);

    /// <summary>The token of an id, or null.</summary>
    public abstract string? IdToToken(int id);
}
