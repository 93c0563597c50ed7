namespace Moesaic.Models.Tokenizers.TokenModels;

/// <summary>WordPiece: the longest token that a word begins with, then the longest continuation, and so on.</summary>
internal sealed class WordPieceModel(Vocabulary vocabulary, string unknownToken, string continuingPrefix, int maxCharacters) : TokenModel
{
    private readonly int _unknownId = vocabulary.IdOf(unknownToken);

    /// <inheritdoc/>
    public override int VocabularySize => vocabulary.Count;

    /// <inheritdoc/>
    public override int TokenToId(ReadOnlySpan<char> token) => vocabulary.IdOf(token);

    /// <inheritdoc/>
    public override string? IdToToken(int id) => vocabulary.TokenOf(id);

    /// <inheritdoc/>
    protected override void Tokenize(ReadOnlySpan<char> piece, List<int> ids)
    {
        int first = ids.Count;
        if (CountCharacters(piece) > maxCharacters || !TrySplit(piece, ids))
        {
            ids.RemoveRange(first, ids.Count - first);
            ids.Add(_unknownId >= 0 ? _unknownId : throw new TokenizationException($"a word is unknown, and so is the unknown token '{unknownToken}'"));
        }
    }

    private static int CountCharacters(ReadOnlySpan<char> text)
    {
        int count = 0;
        foreach (char c in text)
        {
            count += char.IsLowSurrogate(c) ? 0 : 1;
        }

        return count;
    }

    private bool TrySplit(ReadOnlySpan<char> word, List<int> ids)
    {
        char[] buffer = new char[continuingPrefix.Length + Math.Min(word.Length, vocabulary.MaxTokenLength)];
        continuingPrefix.CopyTo(buffer);
        for (int start = 0; start < word.Length;)
        {
            // No token is longer than the longest one, so longer candidates need no look-up.
            int end = Math.Min(word.Length, start + vocabulary.MaxTokenLength);
            int found = -1;
            for (; end > start; end--)
            {
                if (end < word.Length && char.IsLowSurrogate(word[end]))
                {
                    continue;
                }

                ReadOnlySpan<char> candidate = word[start..end];
                if (start > 0)
                {
                    candidate.CopyTo(buffer.AsSpan(continuingPrefix.Length));
                    candidate = buffer.AsSpan(0, continuingPrefix.Length + candidate.Length);
                }

                found = vocabulary.IdOf(candidate);
                if (found >= 0)
                {
                    break;
                }
            }

            if (found < 0)
            {
                return false;
            }

            ids.Add(found);
            start = end;
        }

        return true;
    }
}
