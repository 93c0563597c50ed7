using System.Text;
using Moesaic.Models.Tokenizers.Decoders;
using Moesaic.Models.Tokenizers.Files;
using Moesaic.Models.Tokenizers.Normalizers;
using Moesaic.Models.Tokenizers.Patterns;
using Moesaic.Models.Tokenizers.PostProcessors;
using Moesaic.Models.Tokenizers.PreTokenizers;
using Moesaic.Models.Tokenizers.TokenModels;

namespace Moesaic.Models.Tokenizers.Gguf;

/// <summary>Builds the tokenizer that a GGUF file describes. Control, unknown and user-defined tokens are found in text.</summary>
internal static class GgufTokenizerBuilder
{
    private const string Space = "\u2581";

    /// <exception cref="ModelFormatException">The data contradict themselves or ask for something unknown.</exception>
    public static TokenizerParts Build(GgufTokenizerData data)
    {
        TokenizerParts parts = data.Model switch
        {
            "gpt2" => BuildBytePairs(data),
            "llama" => BuildScoredMerges(data),
            "bert" => BuildWordPiece(data),
            "t5" => BuildUnigram(data),
            _ => throw new ModelFormatException(data.File, "tokenizer.ggml.model", $"'{data.Model}' is not a known kind of tokenizer; known are gpt2, llama, bert and t5."),
        };
        return parts with
        {
            Special = new SpecialTokens
            {
                Bos = Text(data, data.BosId ?? data.ClsId),
                Eos = Text(data, data.EosId ?? data.SeparatorId),
                Unknown = Text(data, data.UnknownId),
                Padding = Text(data, data.PaddingId),
                ExtraEndIds = data.EotId is { } eot ? [eot] : [],
            },
        };
    }

    private static TokenizerParts BuildBytePairs(GgufTokenizerData data)
    {
        PreTokenizerKind kind = PreTokenizerNames.Find(data.Pre ?? "") ?? throw new ModelFormatException(
            data.File,
            "tokenizer.ggml.pre",
            $"{(data.Pre is null ? "missing" : $"'{data.Pre}' is unknown")}, so how to split text is unknown; known are {string.Join(", ", PreTokenizerNames.Known)}.");
        List<PreTokenizer> preTokenizers = [.. kind.Patterns.Select(pattern => new SplitPreTokenizer(new TokenPattern(pattern), SplitBehavior.Isolated, invert: false))];
        preTokenizers.Add(new ByteLevelPreTokenizer(addPrefixSpace: false, useRegex: false, mapBytes: true));
        List<(string, string)> merges = new(data.Merges.Length);
        for (int i = 0; i < data.Merges.Length; i++)
        {
            string merge = data.Merges[i];
            int space = merge.Length == 0 ? -1 : merge.IndexOf(' ', 1);
            merges.Add(space > 0 ? (merge[..space], merge[(space + 1)..]) : throw new ModelFormatException(data.File, $"tokenizer.ggml.merges[{i}]", $"found '{merge}'; expected two tokens parted by a space."));
        }

        if (merges.Count == 0)
        {
            throw new ModelFormatException(data.File, "tokenizer.ggml.merges", "missing; expected the merges of the byte-pair encoding.");
        }

        BpeOptions options = new() { IgnoreMerges = kind.IgnoreMerges };
        return new TokenizerParts
        {
            Model = ModelReader.BuildBpe(Vocabulary(data, data.Tokens), merges, options, data.File, "tokenizer.ggml.merges"),
            Normalizer = kind.ComposesText ? new UnicodeFormNormalizer(NormalizationForm.FormC) : null,
            PreTokenizers = preTokenizers,
            PostProcessor = Surround(data, data.AddBos ?? kind.AddBos, data.AddEos ?? false),
            Decoder = new TokenDecoder.ByteLevel(),
            AddedTokens = AddedTokens(data),
        };
    }

    private static TokenizerParts BuildScoredMerges(GgufTokenizerData data)
    {
        bool prefix = data.AddSpacePrefix ?? true;
        TextNormalizer escape = new ReplaceNormalizer(" ", Space);
        List<TokenDecoder> decoders = [new TokenDecoder.Replace(new ReplaceNormalizer(Space, " ")), new TokenDecoder.ByteFallback(), new TokenDecoder.Fuse()];
        if (prefix)
        {
            decoders.Add(new TokenDecoder.Strip(" ", 1, 0));
        }

        return new TokenizerParts
        {
            Model = new ScoredMergeModel(data.Tokens, data.Scores, data.UnknownId ?? 0, byteFallback: true, _ => true, _ => false),
            Normalizer = prefix ? new SequenceNormalizer([new PrependNormalizer(Space), escape]) : escape,
            PostProcessor = Surround(data, data.AddBos ?? true, data.AddEos ?? false),
            Decoder = new TokenDecoder.Sequence(decoders),
            AddedTokens = AddedTokens(data),
        };
    }

    private static TokenizerParts BuildWordPiece(GgufTokenizerData data)
    {
        // The file drops "##" from continuations and marks beginnings of words instead; bracketed tokens stay as they are.
        string[] tokens = Array.ConvertAll(data.Tokens, token =>
            token.StartsWith('[') && token.EndsWith(']') ? token
            : token.StartsWith(Space, StringComparison.Ordinal) ? token[Space.Length..]
            : "##" + token);
        string unknown = tokens.ElementAtOrDefault(data.UnknownId ?? 100) ?? throw new ModelFormatException(data.File, "tokenizer.ggml.unknown_token_id", $"missing; the usual id 100 is not below {tokens.Length}, the number of tokens.");
        bool lowercase = data.Lowercase ?? true;
        return new TokenizerParts
        {
            Model = new WordPieceModel(Vocabulary(data, tokens), unknown, "##", 100),
            Normalizer = new BertNormalizer(true, true, data.StripAccents ?? lowercase, lowercase),
            PreTokenizers = [CharacterPreTokenizer.WhiteSpace, new CharacterPreTokenizer(CharacterPreTokenizer.IsPunctuation, SplitBehavior.Isolated)],
            PostProcessor = new SurroundPostProcessor(Required(data, data.ClsId ?? data.BosId, "cls_token_id"), Required(data, data.SeparatorId, "seperator_token_id")),
            Decoder = new TokenDecoder.WordPiece("##", true),
            AddedTokens = AddedTokens(data),
        };
    }

    private static TokenizerParts BuildUnigram(GgufTokenizerData data)
    {
        List<KeyValuePair<string, int>> userDefined = [];
        List<(string, double)> tokens = new(data.Tokens.Length);
        double least = double.MaxValue;
        for (int i = 0; i < data.Tokens.Length; i++)
        {
            bool own = data.Types[i] == GgufTokenType.UserDefined;
            tokens.Add((data.Tokens[i], own ? 0 : data.Scores[i]));
            if (own)
            {
                userDefined.Add(new(data.Tokens[i], i));
            }
            else if (data.Types[i] == GgufTokenType.Normal)
            {
                least = Math.Min(least, data.Scores[i]);
            }
        }

        CharacterMap? map;
        try
        {
            map = data.CharacterMap.Length == 0 ? null : new CharacterMap(data.CharacterMap);
        }
        catch (FormatException exception)
        {
            throw new ModelFormatException(data.File, "tokenizer.ggml.precompiled_charsmap", exception.Message, exception);
        }

        bool prefix = data.AddSpacePrefix ?? true;
        return new TokenizerParts
        {
            Model = new UnigramModel(
                tokens,
                data.UnknownId ?? (tokens.Count > 2 ? 2 : -1),
                byteFallback: false,
                id => data.Types[id] is GgufTokenType.Normal or GgufTokenType.UserDefined or GgufTokenType.Unused,
                least == double.MaxValue ? 0 : least),
            Normalizer = new SentencePieceNormalizer(map, prefix, data.RemoveExtraWhitespaces ?? false, userDefined.Count == 0 ? null : new StringTrie(userDefined)),
            PostProcessor = Surround(data, data.AddBos ?? false, data.AddEos ?? true),
            Decoder = new TokenDecoder.Metaspace(Space, prefix),
            AddedTokens = AddedTokens(data),
        };
    }

    private static Vocabulary Vocabulary(GgufTokenizerData data, string[] tokens)
    {
        Dictionary<string, int> ids = new(tokens.Length);
        for (int i = 0; i < tokens.Length; i++)
        {
            if (!ids.TryAdd(tokens[i], i))
            {
                throw new ModelFormatException(data.File, $"tokenizer.ggml.tokens[{i}]", $"'{data.Tokens[i]}' is there twice: it also has the id {ids[tokens[i]]}.");
            }
        }

        return new Vocabulary(ids);
    }

    private static List<AddedToken> AddedTokens(GgufTokenizerData data)
    {
        bool isPhi3 = data.ModelName is { } name && (name.Contains("phi-3", StringComparison.OrdinalIgnoreCase) || name.Contains("phi3", StringComparison.OrdinalIgnoreCase));
        List<AddedToken> tokens = [];
        for (int i = 0; i < data.Tokens.Length; i++)
        {
            string token = data.Tokens[i];
            bool special = data.Types[i] is GgufTokenType.Control or GgufTokenType.Unknown;
            if (special || data.Types[i] == GgufTokenType.UserDefined)
            {
                bool strips = isPhi3 && token is not ("<unk>" or "<s>" or "<|endoftext|>");
                tokens.Add(new AddedToken(token, special, Normalized: false, RightStrip: strips));
            }
        }

        return tokens;
    }

    private static SurroundPostProcessor Surround(GgufTokenizerData data, bool addBos, bool addEos) => new(
        addBos ? Required(data, data.BosId, "bos_token_id") : [],
        addEos ? Required(data, data.EosId, "eos_token_id") : []);

    private static int[] Required(GgufTokenizerData data, int? id, string key) =>
        id is { } known ? [known] : throw new ModelFormatException(data.File, "tokenizer.ggml." + key, "missing; it is to be added to every text.");

    private static string? Text(GgufTokenizerData data, int? id) => id is { } known ? data.Tokens[known] : null;
}
