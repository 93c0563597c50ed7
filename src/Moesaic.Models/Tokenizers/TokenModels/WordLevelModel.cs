namespace Moesaic.Models.Tokenizers.TokenModels;

/// <summary>One token for each known word.</summary>
internal sealed class WordLevelModel(Vocabulary vocabulary, string unknownToken) : TokenModel
{
    /// <inheritdoc/>
    public override int VocabularySize => vocabulary.Count;

    /// <inheritdoc/>
    public override int TokenToId(ReadOnlySpan<char> token) => vocabulary.IdOf(token);

    /// <inheritdoc/>
    public override string? IdToToken(int id) => vocabulary.TokenOf(id);

    /// <inheritdoc/>
    protected override void Tokenize(ReadOnlySpan<char> piece, List<int> ids)
    {
        int id = vocabulary.IdOf(piece);
        id = id >= 0 ? id : vocabulary.IdOf(unknownToken);
        ids.Add(id >= 0 ? id : throw new TokenizationException($"a word is unknown, and so is the unknown token '{unknownToken}'"));
    }
}
