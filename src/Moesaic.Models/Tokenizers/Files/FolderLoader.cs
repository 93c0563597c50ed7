using System.Text;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Tokenizers.Decoders;
using Moesaic.Models.Tokenizers.Normalizers;
using Moesaic.Models.Tokenizers.Patterns;
using Moesaic.Models.Tokenizers.PostProcessors;
using Moesaic.Models.Tokenizers.PreTokenizers;
using Moesaic.Models.Tokenizers.SentencePiece;
using Moesaic.Models.Tokenizers.TokenModels;

namespace Moesaic.Models.Tokenizers.Files;

/// <summary>
/// Loads the tokenizer of a Hugging Face folder: tokenizer.json as it is written, else tokenizer.model, vocab.json with
/// merges.txt, or vocab.txt with what tokenizer_config.json says about them.
/// </summary>
internal static class FolderLoader
{
    private const string Qwen2Pattern = @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    private const long MaxTextBytes = 1L << 28;

    /// <exception cref="ModelFormatException">There is no tokenizer, or it cannot be used.</exception>
    public static TokenizerParts Load(ModelFolder folder)
    {
        TokenizerConfig config = TokenizerConfig.Read(folder);
        if (folder.TokenizerJson is { } json)
        {
            // What it adds around a text is up to its post-processor alone.
            return TokenizerJsonReader.ReadFile(json) with { Special = config.Special };
        }

        if (folder.TokenizerModel is { } pieces)
        {
            return LoadSentencePiece(pieces, config);
        }

        if (folder.VocabularyJson is { } vocabulary && folder.Merges is { } merges)
        {
            return LoadBytePairs(folder, vocabulary, merges, config);
        }

        return folder.VocabularyText is { } words
            ? LoadWordPiece(words, config)
            : throw new ModelFormatException(folder.Path, "", "no tokenizer; expected tokenizer.json, tokenizer.model, vocab.json with merges.txt, or vocab.txt");
    }

    /// <summary>A SentencePiece model together with its configuration.</summary>
    public static TokenizerParts LoadSentencePiece(string file, TokenizerConfig config)
    {
        TokenizerParts parts = SentencePieceBuilder.Build(SentencePieceFile.Read(file));
        string? family = config.TokenizerClass?.Replace("Fast", "", StringComparison.Ordinal);
        if (family is "XLMRobertaTokenizer" or "CamembertTokenizer" or "MBartTokenizer" or "MBart50Tokenizer")
        {
            throw new ModelFormatException(file, "tokenizer_class", $"{config.TokenizerClass} numbers its tokens otherwise than tokenizer.model; convert it to tokenizer.json first");
        }

        bool isLlama = family is "LlamaTokenizer" or "CodeLlamaTokenizer" or "GemmaTokenizer";
        SpecialTokens special = new()
        {
            Bos = config.Special.Bos ?? parts.Special.Bos,
            Eos = config.Special.Eos ?? parts.Special.Eos,
            Unknown = config.Special.Unknown ?? parts.Special.Unknown,
            Padding = config.Special.Padding ?? parts.Special.Padding,
        };
        parts = parts with
        {
            Special = special,
            AddedTokens = [.. parts.AddedTokens.Select(token => config.AddedTokens.FirstOrDefault(other => other.Content == token.Content) ?? token),
                .. config.AddedTokens.Where(token => parts.AddedTokens.All(known => known.Content != token.Content))],
        };
        return Surround(parts, file, config.AddBos ?? isLlama ? special.Bos : null, (config.AddEos ?? family is "T5Tokenizer") ? special.Eos : null);
    }

    private static TokenizerParts LoadBytePairs(ModelFolder folder, string vocabularyFile, string mergesFile, TokenizerConfig config)
    {
        string family = config.TokenizerClass?.Replace("Fast", "", StringComparison.Ordinal) ?? "GPT2Tokenizer";
        (string pattern, bool composes) = family switch
        {
            "GPT2Tokenizer" or "RobertaTokenizer" or "CodeGenTokenizer" or "BartTokenizer" => (ByteLevelPreTokenizer.Gpt2Pattern, false),
            "Qwen2Tokenizer" => (Qwen2Pattern, true),
            _ => throw new ModelFormatException(folder.TokenizerConfig ?? folder.Path, "tokenizer_class", $"'{config.TokenizerClass}' does not say how vocab.json and merges.txt split text; known are GPT2Tokenizer, RobertaTokenizer, BartTokenizer, CodeGenTokenizer and Qwen2Tokenizer (a tokenizer.json would say it)"),
        };
        Vocabulary vocabulary = JsonField.ReadFile(vocabularyFile, ModelReader.ReadVocabulary);
        BpeModel model = ModelReader.BuildBpe(vocabulary, ReadMerges(mergesFile), new BpeOptions(), mergesFile, "merges");
        TokenizerParts parts = new()
        {
            Model = model,
            Normalizer = composes ? new UnicodeFormNormalizer(NormalizationForm.FormC) : null,
            PreTokenizers = composes
                ? [new SplitPreTokenizer(new TokenPattern(pattern), SplitBehavior.Isolated, false), new ByteLevelPreTokenizer(false, false, mapBytes: true)]
                : [new ByteLevelPreTokenizer(config.AddPrefixSpace, true, mapBytes: true)],
            Decoder = new TokenDecoder.ByteLevel(),
            AddedTokens = config.AddedTokens.Count > 0 ? config.AddedTokens : ReadAddedTokens(folder),
            Special = config.Special,
        };
        bool surrounds = family is "RobertaTokenizer" or "BartTokenizer";
        return surrounds
            ? Surround(parts, vocabularyFile, config.Cls ?? config.Special.Bos ?? "<s>", config.Separator ?? config.Special.Eos ?? "</s>")
            : Surround(parts, vocabularyFile, config.AddBos == true ? config.Special.Bos : null, config.AddEos == true ? config.Special.Eos : null);
    }

    private static TokenizerParts LoadWordPiece(string file, TokenizerConfig config)
    {
        Dictionary<string, int> ids = [];
        string[] lines = BoundedFile.ReadAllText(file, MaxTextBytes).Split('\n');
        int count = lines[^1].Length == 0 ? lines.Length - 1 : lines.Length;
        for (int i = 0; i < count; i++)
        {
            ids[lines[i].TrimEnd('\r')] = i;
        }

        string unknown = config.Special.Unknown ?? "[UNK]", cls = config.Cls ?? "[CLS]", separator = config.Separator ?? "[SEP]";
        List<AddedToken> added = [.. config.AddedTokens];
        foreach (string usual in (ReadOnlySpan<string>)["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
        {
            if (ids.ContainsKey(usual) && !added.Exists(token => token.Content == usual))
            {
                added.Add(new AddedToken(usual, Special: true, Normalized: false));
            }
        }

        TokenizerParts parts = new()
        {
            Model = new WordPieceModel(new Vocabulary(ids), unknown, "##", 100),
            Normalizer = new BertNormalizer(true, config.HandleChineseCharacters, config.StripAccents ?? config.Lowercase, config.Lowercase),
            PreTokenizers = [CharacterPreTokenizer.WhiteSpace, new CharacterPreTokenizer(CharacterPreTokenizer.IsPunctuation, SplitBehavior.Isolated)],
            Decoder = new TokenDecoder.WordPiece("##", true),
            AddedTokens = added,
            Special = config.Special with { Unknown = unknown, Bos = config.Special.Bos ?? cls, Eos = config.Special.Eos ?? separator, Padding = config.Special.Padding ?? "[PAD]" },
        };
        return Surround(parts, file, cls, separator);
    }

    // The ids of what goes around a text are known once the added tokens have theirs.
    private static TokenizerParts Surround(TokenizerParts parts, string file, string? before, string? after)
    {
        AddedVocabulary added = new(parts.AddedTokens, parts.Model, parts.Normalizer);
        return parts with { PostProcessor = new SurroundPostProcessor(Ids(before), Ids(after)) };

        int[] Ids(string? token)
        {
            if (token is null)
            {
                return [];
            }

            int id = added.TokenToId(token);
            id = id >= 0 ? id : parts.Model.TokenToId(token);
            return id >= 0 ? [id] : throw new ModelFormatException(file, "", $"'{token}' is to be added to every text, but it is not in the vocabulary");
        }
    }

    private static List<(string Left, string Right)> ReadMerges(string file)
    {
        List<(string, string)> merges = [];
        string[] lines = BoundedFile.ReadAllText(file, MaxTextBytes).Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            string line = lines[i].TrimEnd('\r');
            if (line.Length == 0 || line.StartsWith("#version", StringComparison.Ordinal))
            {
                continue;
            }

            string[] parts = line.Split(' ');
            merges.Add(parts.Length == 2 ? (parts[0], parts[1]) : throw new ModelFormatException(file, $"line {i + 1}", $"found '{line}'; expected two tokens parted by a space"));
        }

        return merges;
    }

    private static List<AddedToken> ReadAddedTokens(ModelFolder folder)
    {
        return folder.AddedTokens is not { } file ? [] : JsonField.ReadFile(file, root => root.Object().Element.EnumerateObject()
            .Select(property => (new JsonField(file, property.Name, property.Value).Int(), property.Name))
            .Order()
            .Select(entry => new AddedToken(entry.Name, Special: false, Normalized: false))
            .ToList());
    }
}
