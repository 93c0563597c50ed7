namespace Moesaic.Models.Tokenizers.Normalizers;

/// <summary>Rewrites a stretch of text before it is split. Immutable and thread-safe.</summary>
internal abstract class TextNormalizer
{
    private const long MaxLength = 1 << 24;

    /// <summary>The rewritten text.</summary>
    /// <param name="text">The text.</param>
    /// <param name="keepsStart">Set to false when the first character of the result no longer comes from the first one of the text.</param>
    public abstract string Normalize(string text, ref bool keepsStart);

    /// <summary>Refuses results whose length only a hostile file can mean: rules that multiply a text again and again.</summary>
    /// <exception cref="TokenizationException">The result is too long.</exception>
    protected static void CheckLength(long length, int textLength)
    {
        if (length > MaxLength && length > textLength)
        {
            throw new TokenizationException($"normalizing makes {length} characters out of {textLength}; at most {MaxLength} are accepted");
        }
    }

    /// <summary>The rewritten text.</summary>
    public string Normalize(string text)
    {
        bool keepsStart = true;
        return Normalize(text, ref keepsStart);
    }
}
