namespace Moesaic.Models.Tokenizers.PreTokenizers;

/// <summary>A stretch of text on its way to becoming tokens, or one that is an added token already.</summary>
/// <param name="Buffer">The text that holds it.</param>
/// <param name="Start">Where it begins in the buffer.</param>
/// <param name="Length">Its length in UTF-16 units.</param>
/// <param name="Id">The added token that it is; -1 for text.</param>
/// <param name="AtOrigin">Whether its first character comes from the first character of the whole input.</param>
internal readonly record struct Segment(string Buffer, int Start, int Length, int Id, bool AtOrigin)
{
    public ReadOnlySpan<char> Span => Buffer.AsSpan(Start, Length);

    /// <summary>A part of it; only a part from the very start can still be at the origin.</summary>
    public Segment Slice(int from, int to) => new(Buffer, Start + from, to - from, Id, AtOrigin && from == 0);

    /// <summary>The same place with another text.</summary>
    public Segment With(string text) => new(text, 0, text.Length, Id, AtOrigin);

    /// <summary>The text as a string of its own.</summary>
    public string Text => Start == 0 && Length == Buffer.Length ? Buffer : Buffer.Substring(Start, Length);
}
