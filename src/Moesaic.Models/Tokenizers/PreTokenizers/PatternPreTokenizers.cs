using Moesaic.Models.Tokenizers.Patterns;

namespace Moesaic.Models.Tokenizers.PreTokenizers;

/// <summary>Splits at the matches of a pattern.</summary>
internal sealed class SplitPreTokenizer(TokenPattern pattern, SplitBehavior behavior, bool invert) : PreTokenizer
{
    public override void Split(Segment segment, List<Segment> pieces)
    {
        List<(int Start, int End)> matches = Splitting.RentMatches();
        pattern.FindAll(segment.Span, matches);
        Splitting.Cut(segment, matches, behavior, invert, pieces);
    }
}

/// <summary>Words and runs of other visible characters; white space is dropped.</summary>
internal sealed class WhitespacePreTokenizer : PreTokenizer
{
    // Word characters here are those of Rust's regex crate: with the two joiners.
    private static readonly TokenPattern Words = new(@"[\w\x{200C}\x{200D}]+|[^\w\s\x{200C}\x{200D}]+");

    public override void Split(Segment segment, List<Segment> pieces)
    {
        List<(int Start, int End)> matches = Splitting.RentMatches();
        Words.FindAll(segment.Span, matches);
        Splitting.Cut(segment, matches, SplitBehavior.Removed, invert: true, pieces);
    }
}

/// <summary>GPT-2's byte-level splitting: an optional leading space, the GPT-2 pattern, then the byte-level alphabet.</summary>
/// <param name="addPrefixSpace">Whether a space is put before text that does not begin with one.</param>
/// <param name="useRegex">Whether the GPT-2 pattern splits.</param>
/// <param name="mapBytes">False when the model maps the bytes by itself.</param>
internal sealed class ByteLevelPreTokenizer(bool addPrefixSpace, bool useRegex, bool mapBytes) : PreTokenizer
{
    public const string Gpt2Pattern = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    private static readonly TokenPattern Gpt2 = new(Gpt2Pattern);

    /// <summary>Whether it does nothing but map bytes.</summary>
    public bool OnlyMaps => !addPrefixSpace && !useRegex;

    /// <summary>The same, leaving the bytes to the model.</summary>
    public ByteLevelPreTokenizer WithoutMapping() => new(addPrefixSpace, useRegex, mapBytes: false);

    public override void Split(Segment segment, List<Segment> pieces)
    {
        if (addPrefixSpace && segment.Span is not [' ', ..])
        {
            segment = segment.With(string.Concat(" ", segment.Span));
        }

        int first = pieces.Count;
        if (useRegex)
        {
            List<(int Start, int End)> matches = Splitting.RentMatches();
            Gpt2.FindAll(segment.Span, matches);
            Splitting.Cut(segment, matches, SplitBehavior.Isolated, invert: false, pieces);
        }
        else
        {
            pieces.Add(segment);
        }

        for (int i = first; mapBytes && i < pieces.Count; i++)
        {
            pieces[i] = pieces[i].With(ByteLevelAlphabet.Encode(pieces[i].Span));
        }
    }
}
