using Moesaic.Models.Tokenizers.PreTokenizers;

namespace Moesaic.Models.Tokenizers.Gguf;

/// <summary>What a value of tokenizer.ggml.pre stands for: the splitting patterns of the tokenizer.json that the model came with.</summary>
/// <param name="Patterns">Patterns that split one after another.</param>
/// <param name="IgnoreMerges">Whether a word that is a token needs no merges.</param>
/// <param name="AddBos">Whether a BOS token is added when the file does not say.</param>
/// <param name="ComposesText">Whether text is brought into form NFC.</param>
internal sealed record PreTokenizerKind(string[] Patterns, bool IgnoreMerges = false, bool AddBos = false, bool ComposesText = false);

/// <summary>The names that are known.</summary>
internal static class PreTokenizerNames
{
    private const string Contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
    private const string Spaces = @"|\s*[\r\n]+|\s+(?!\S)|\s+";
    private const string Gpt2 = ByteLevelPreTokenizer.Gpt2Pattern;
    private const string Llama3 = Contractions + @"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*" + Spaces;
    private const string Qwen2 = Contractions + @"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*" + Spaces;
    private const string Qwen35 = Contractions + @"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*" + Spaces;
    private const string SeedCoder = Contractions + @"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+" + Spaces;
    private const string Bailing = @"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+";
    private const string Upper = @"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]";
    private const string Lower = @"[\p{Ll}\p{Lm}\p{Lo}\p{M}]";
    private const string Cased = @"[^\r\n\p{L}\p{N}]?" + Upper + "*" + Lower + "+";
    private const string Capital = @"[^\r\n\p{L}\p{N}]?" + Upper + "+" + Lower + "*";
    private const string Gpt4o = Cased + Contractions + "?|" + Capital + Contractions + @"?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*" + Spaces;
    private const string Tekken = Cased + "|" + Capital + @"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*" + Spaces;
    private const string DeepSeekWords = @"[!""#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*" + Spaces;
    private const string KanaAndHan = "[\u4E00-\u9FA5\u3040-\u309F\u30A0-\u30FF]+";
    private const string DeepSeekHan = "[\u4E00-\u9FA5\u0800-\u4E00\uAC00-\uD7FF]+";
    private const string Bloom = " ?[^(\\s|.,!?\u2026\u3002\uFF0C\u3001\u0964\u06D4\u060C)]+";
    private const string HanUpper = @"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]";
    private const string HanLower = @"[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]";
    private const string KimiK2 = @"[\p{Han}]+|[^\r\n\p{L}\p{N}]?" + HanUpper + "*" + HanLower + "+" + Contractions + @"?|[^\r\n\p{L}\p{N}]?" + HanUpper + "+" + HanLower + "*" + Contractions + @"?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*" + Spaces;

    // Letters with case, as DeepSeek's first generation lists them.
    private const string DeepSeekLetters = @"\s?[A-Za-z\x{B5}\x{C0}-\x{D6}\x{D8}-\x{F6}\x{F8}-\x{1BA}\x{1BC}-\x{1BF}\x{1C4}-\x{293}\x{295}-\x{2AF}\x{370}-\x{373}\x{376}\x{377}\x{37B}-\x{37D}\x{37F}\x{386}\x{388}-\x{38A}\x{38C}\x{38E}-\x{3A1}\x{3A3}-\x{3F5}\x{3F7}-\x{481}\x{48A}-\x{52F}\x{531}-\x{556}\x{10A0}-\x{10C5}\x{13A0}-\x{13F5}\x{13F8}-\x{13FD}\x{1C90}-\x{1CBA}\x{1CBD}-\x{1CBF}\x{1D00}-\x{1D2B}\x{1D6B}-\x{1D77}\x{1D79}-\x{1D9A}\x{1E00}-\x{1F15}\x{1F18}-\x{1F1D}\x{1F20}-\x{1F45}\x{1F48}-\x{1F4D}\x{1F50}-\x{1F57}\x{1F59}\x{1F5B}\x{1F5D}\x{1F5F}-\x{1F7D}\x{1F80}-\x{1FB4}\x{1FB6}-\x{1FBC}\x{1FBE}\x{1FC2}-\x{1FC4}\x{1FC6}-\x{1FCC}\x{1FD0}-\x{1FD3}\x{1FD6}-\x{1FDB}\x{1FE0}-\x{1FEC}\x{1FF2}-\x{1FF4}\x{1FF6}-\x{1FFC}\x{2102}\x{2107}\x{210A}-\x{2113}\x{2115}\x{2119}-\x{211D}\x{2124}\x{2126}\x{2128}\x{212A}-\x{212D}\x{212F}-\x{2134}\x{2139}\x{213C}-\x{213F}\x{2145}-\x{2149}\x{214E}\x{2183}\x{2184}\x{2C00}-\x{2C7B}\x{2C7E}-\x{2CE4}\x{2CEB}-\x{2CEE}\x{2CF2}\x{2CF3}\x{A640}-\x{A66D}\x{A680}-\x{A69B}\x{A722}-\x{A76F}\x{A771}-\x{A787}\x{A78B}-\x{A78E}\x{AB70}-\x{ABBF}\x{FB00}-\x{FB06}\x{FB13}-\x{FB17}\x{FF21}-\x{FF3A}\x{FF41}-\x{FF5A}\x{10400}-\x{1044F}\x{104B0}-\x{104D3}\x{104D8}-\x{104FB}\x{10C80}-\x{10CB2}\x{10CC0}-\x{10CF2}\x{118A0}-\x{118DF}\x{1E900}-\x{1E943}]+";

    private static readonly Dictionary<string, PreTokenizerKind> Kinds = Build();

    /// <summary>All known names in order.</summary>
    public static IEnumerable<string> Known => Kinds.Keys.Order(StringComparer.Ordinal);

    /// <summary>What a name stands for, or null.</summary>
    public static PreTokenizerKind? Find(string name) => Kinds.GetValueOrDefault(name);

    private static Dictionary<string, PreTokenizerKind> Build()
    {
        Dictionary<string, PreTokenizerKind> kinds = [];
        Add(new([Gpt2]), "gpt-2", "phi-2", "jina-es", "jina-de", "gigachat", "jina-v2-es", "jina-v2-de", "a.x-4.0", "mellum", "modern-bert", "jina-v1-en", "jina-v2-code", "roberta-bpe", "jais", "trillion", "granite-docling", "exaone4");
        Add(new([Gpt2], ComposesText: true), "olmo", "mpt");
        Add(new([Llama3], IgnoreMerges: true, AddBos: true), "llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2", "jina-v5-nano");
        Add(new([Llama3]), "dbrx", "smaug-bpe", "glm4", "chatglm-bpe");
        Add(new([Qwen2], ComposesText: true), "qwen2", "deepseek-r1-qwen", "kormo", "f2llmv2", "megrez");
        Add(new([Qwen2]), "stablelm2", "hunyuan", "solar-open", "grok-2");
        Add(new([Qwen35], ComposesText: true), "qwen35");
        Add(new([Bailing]), "bailingmoe", "bailingmoe2", "llada-moe");
        Add(new([SeedCoder]), "seed-coder");
        Add(new([@"\p{N}{1,3}", KanaAndHan, DeepSeekWords]), "deepseek-v3", "hunyuan-dense", "joyai-llm");
        Add(new([@"[\r\n]", DeepSeekLetters, @"\s?[!-/:-~\x{FF01}-\x{FF0F}\x{FF1A}-\x{FF5E}\x{2018}-\x{201F}\x{3000}-\x{3002}]+", @"\s+$", DeepSeekHan, @"\p{N}+"]), "deepseek-llm");
        Add(new([@"[\r\n]", @"\s?\p{L}+", @"\s?\p{P}+", DeepSeekHan, @"\p{N}"]), "deepseek-coder");
        Add(new([Gpt4o]), "gpt-4o", "llama4", "kanana2", "talkie", "minimax-m2");
        Add(new([@"\d{1,3}(?=(?:\d{3})*\b)", Gpt4o]), "tiny_aya", "cohere2moe");
        Add(new([Tekken], IgnoreMerges: true, AddBos: true), "tekken");
        Add(new([@"\p{N}", Gpt2]), "smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b", "mellum2");
        Add(new([@"[\p{P}\$\+<=>\^~\|`]+", Gpt2, "[0-9][0-9][0-9]"]), "falcon");
        Add(new([Bloom]), "bloom", "poro-chat", "gpt3-finnish");
        Add(new([Bloom, @"\p{N}"]), "viking");
        Add(new([@"\p{N}+", @"(?=(\d{3})+(?!\d))"]), "superbpe");
        Add(new([KimiK2]), "kimi-k2");
        return kinds;

        void Add(PreTokenizerKind kind, params ReadOnlySpan<string> names)
        {
            foreach (string name in names)
            {
                kinds.Add(name, kind);
            }
        }
    }
}
