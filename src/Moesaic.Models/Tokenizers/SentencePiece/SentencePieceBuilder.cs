using Moesaic.Models.Tokenizers.Decoders;
using Moesaic.Models.Tokenizers.Normalizers;
using Moesaic.Models.Tokenizers.Patterns;
using Moesaic.Models.Tokenizers.PreTokenizers;
using Moesaic.Models.Tokenizers.TokenModels;

namespace Moesaic.Models.Tokenizers.SentencePiece;

/// <summary>
/// Builds a tokenizer from a SentencePiece model in the way in which Hugging Face converts such models, so that both give the
/// same ids. No BOS or EOS is added: the model does not say.
/// </summary>
internal static class SentencePieceBuilder
{
    private const string Space = "\u2581";

    /// <exception cref="ModelFormatException">The model's rules cannot be read.</exception>
    public static TokenizerParts Build(SentencePieceFile file)
    {
        TokenizerParts parts = file.IsUnigram ? BuildUnigram(file) : BuildBytePairs(file);
        return parts with
        {
            AddedTokens = [.. file.Pieces
                .Where(piece => piece.Type is PieceType.Control or PieceType.UserDefined)
                .Select(piece => new AddedToken(piece.Text, piece.Type == PieceType.Control, Normalized: false))],
            Special = new SpecialTokens
            {
                Bos = Control(file, "<s>", "<bos>"),
                Eos = Control(file, "</s>", "<eos>"),
                Unknown = file.Pieces.Where(piece => piece.Type == PieceType.Unknown).Select(piece => piece.Text).FirstOrDefault(),
                Padding = Control(file, "<pad>"),
            },
        };
    }

    private static TokenizerParts BuildBytePairs(SentencePieceFile file)
    {
        string[] tokens = [.. file.Pieces.Select(piece => piece.Text)];
        float[] scores = [.. file.Pieces.Select(piece => piece.Score)];
        bool plain = file.CharacterMap.Length == 0 && !file.RemoveExtraWhitespaces;
        TextNormalizer escape = new ReplaceNormalizer(" ", Space);
        TextNormalizer normalizer = plain
            ? file.AddDummyPrefix ? new SequenceNormalizer([new PrependNormalizer(Space), escape]) : escape
            : new SentencePieceNormalizer(Map(file), file.AddDummyPrefix, file.RemoveExtraWhitespaces, UserDefined(file));
        List<TokenDecoder> decoders = [new TokenDecoder.Replace(new ReplaceNormalizer(Space, " ")), new TokenDecoder.ByteFallback(), new TokenDecoder.Fuse()];
        if (file.AddDummyPrefix)
        {
            decoders.Add(new TokenDecoder.Strip(" ", 1, 0));
        }

        return new TokenizerParts
        {
            Model = new ScoredMergeModel(
                tokens,
                scores,
                UnknownId(file),
                file.ByteFallback,
                id => file.Pieces[id].Type is PieceType.Normal or PieceType.UserDefined or PieceType.Unused,
                id => file.Pieces[id].Type == PieceType.Unused),
            Normalizer = normalizer,
            Decoder = new TokenDecoder.Sequence(decoders),
        };
    }

    private static TokenizerParts BuildUnigram(SentencePieceFile file)
    {
        List<TextNormalizer> normalizers = [];
        if (Map(file) is { } map)
        {
            normalizers.Add(new PrecompiledNormalizer(map));
        }

        if (file.RemoveExtraWhitespaces)
        {
            normalizers.Add(new StripNormalizer(left: false, right: true));
            normalizers.Add(new ReplaceNormalizer(new TokenPattern(" {2,}"), Space));
        }

        PrependScheme scheme = file.AddDummyPrefix ? PrependScheme.Always : PrependScheme.Never;
        return new TokenizerParts
        {
            Model = new UnigramModel([.. file.Pieces.Select(piece => (piece.Text, (double)piece.Score))], UnknownId(file), file.ByteFallback),
            Normalizer = new SequenceNormalizer(normalizers),
            PreTokenizers = [new MetaspacePreTokenizer(Space, scheme, split: true)],
            Decoder = file.ByteFallback
                ? new TokenDecoder.Sequence([new TokenDecoder.ByteFallback(), new TokenDecoder.Metaspace(Space, file.AddDummyPrefix)])
                : new TokenDecoder.Metaspace(Space, file.AddDummyPrefix),
        };
    }

    private static CharacterMap? Map(SentencePieceFile file)
    {
        try
        {
            return file.CharacterMap.Length == 0 ? null : new CharacterMap(file.CharacterMap);
        }
        catch (FormatException exception)
        {
            throw new ModelFormatException(file.File, "normalizer_spec.precompiled_charsmap", exception.Message, exception);
        }
    }

    private static StringTrie? UserDefined(SentencePieceFile file)
    {
        List<KeyValuePair<string, int>> pieces = [];
        for (int i = 0; i < file.Pieces.Count; i++)
        {
            if (file.Pieces[i].Type == PieceType.UserDefined)
            {
                pieces.Add(new(file.Pieces[i].Text, i));
            }
        }

        return pieces.Count == 0 ? null : new StringTrie(pieces);
    }

    private static int UnknownId(SentencePieceFile file)
    {
        for (int i = 0; i < file.Pieces.Count; i++)
        {
            if (file.Pieces[i].Type == PieceType.Unknown)
            {
                return i;
            }
        }

        return -1;
    }

    private static string? Control(SentencePieceFile file, params string[] names) =>
        file.Pieces.Where(piece => piece.Type == PieceType.Control && names.Contains(piece.Text)).Select(piece => piece.Text).FirstOrDefault();
}
