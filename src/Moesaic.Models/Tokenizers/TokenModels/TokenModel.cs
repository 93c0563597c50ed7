using System.Runtime.InteropServices;

namespace Moesaic.Models.Tokenizers.TokenModels;

/// <summary>Turns one piece of pre-tokenized text into ids. Immutable and thread-safe.</summary>
internal abstract class TokenModel
{
    /// <summary>Number of different tokens.</summary>
    public abstract int VocabularySize { get; }

    /// <summary>Appends the ids of a piece of text.</summary>
    /// <param name="piece">The text.</param>
    /// <param name="cache">A cache that this model alone has filled.</param>
    /// <param name="ids">Where the ids go.</param>
    /// <exception cref="TokenizationException">A character is unknown and the model has no unknown token.</exception>
    public virtual void Tokenize(ReadOnlySpan<char> piece, WordCache cache, List<int> ids)
    {
        if (piece.Length > WordCache.MaxWordLength)
        {
            Tokenize(piece, ids);
            return;
        }

        if (cache.TryAppend(piece, ids, out uint hash))
        {
            return;
        }

        int start = ids.Count;
        Tokenize(piece, ids);
        cache.Keep(piece, hash, CollectionsMarshal.AsSpan(ids)[start..]);
    }

    /// <summary>The id of a token, or -1.</summary>
    public abstract int TokenToId(ReadOnlySpan<char> token);

    /// <summary>The token of an id, or null.</summary>
    public abstract string? IdToToken(int id);

    /// <summary>Appends the ids of a piece of text, without a cache.</summary>
    protected abstract void Tokenize(ReadOnlySpan<char> piece, List<int> ids);
}
