namespace Moesaic.Models.Tokenizers.Normalizers;

/// <summary>Rewrites a stretch of text before it is split. Immutable and thread-safe.</summary>
internal abstract class TextNormalizer
{
    /// <summary>The rewritten text.</summary>
    /// <param name="text">The text.</param>
    /// <param name="keepsStart">Set to false when the first character of the result no longer comes from the first one of the text.</param>
    public abstract string Normalize(string text, ref bool keepsStart);

    /// <summary>The rewritten text.</summary>
    public string Normalize(string text)
    {
        bool keepsStart = true;
        return Normalize(text, ref keepsStart);
    }
}
