using System.Text;
using System.Text.Json;
using Moesaic.Models;
using Moesaic.Models.ChatTemplates;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Checkpoints.Gguf;
using Moesaic.Models.Checkpoints.Safetensors;
using Moesaic.Models.Configurations;
using Moesaic.Models.Tokenizers;
using Moesaic.Models.Tokenizers.Files;
using Moesaic.Models.Tokenizers.SentencePiece;

namespace Moesaic.Fuzz;

/// <summary>The readers that are fuzzed, each with the exceptions that it documents.</summary>
internal static class FuzzTargets
{
    private const string Text = "ab <s> Hello w\u00F6rld! \U0001F600\t  12";

    private static readonly string[] JsonWords =
    [
        "\"dtype\":", "\"shape\":", "\"data_offsets\":", "\"__metadata__\":{", "\"F32\"", "[0,0]", "-1", "9223372036854775807", "1e9", "1e400", "null", "{}", "[]", "\\ud800", ",",
    ];

    private static readonly string[] ConfigWords =
    [
        .. JsonWords, "\"rope_scaling\":{", "\"rope_type\":\"yarn\"", "\"factor\":", "\"eos_token_id\":", "\"architectures\":[", "\"model_type\":", "true", "false",
    ];

    private static readonly string[] TokenizerWords =
    [
        "\"type\":\"Unigram\"", "\"WordPiece\"", "\"BPE\"", "\"Metaspace\"", "\"Split\"", "\"Regex\":", "null", "[", "]", "1e999", "-1", "\\ud800", "(?<=", "{1000}", "*+", "\\\\p{L}",
    ];

    private static readonly string[] TemplateWords =
    [
        "{{", "}}", "{%", "%}", "{%-", "-%}", "{#", "#}", "for ", " in ", "if ", "else", "endif", "endfor", "set ", "endset", "macro ", "endmacro", "call ", "endcall", "filter ", "with ",
        "recursive", "loop", "messages", "namespace(", "range(", "|tojson", "|map('", "|list", "|join(", ".split(", "[::-1]", " is ", " not ", "**", "//", "~", ".format(", "9999999999", "{:9}",
    ];

    private static readonly ChatTemplateLimits TemplateLimits = new() { MaxSteps = 20_000, MaxOutputLength = 200_000, MaxListLength = 20_000, MaxCallDepth = 50 };

    private static readonly Lazy<ChatTemplateInputs> TemplateInputs = new(ReadTemplateInputs);

    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        new("gguf", ["general.alignment", "general.architecture", "split.count", "GGUF", "\b\0\0\0", "\t\0\0\0"], SeedFiles.GgufHeaders, RunGguf, e => e is ModelFormatException),
        new("safetensors", JsonWords, SeedFiles.SafetensorsHeaders, RunSafetensors, e => e is ModelFormatException),
        new("config", ConfigWords, () => SeedFiles.Whole("config.json"), RunConfig, e => e is ModelFormatException),
        new("tokenizer-json", TokenizerWords, SeedFiles.TokenizerJson, RunTokenizerJson, e => e is ModelFormatException or TokenizationException),
        new("tokenizer-model", [], SeedFiles.SentencePieceModels, RunTokenizerModel, e => e is ModelFormatException or TokenizationException),
        new("template", TemplateWords, SeedFiles.Templates, RunTemplate, e => e is ChatTemplateException),
    ];

    private static void RunGguf(byte[] bytes)
    {
        using GgufFile file = GgufFile.Parse(new MemoryStream(bytes), "fuzz.gguf");
        CheckTensors(file, bytes.Length);
        foreach (string key in file.Metadata.Keys)
        {
            file.Metadata.TryGetValue(key, out GgufValue value);
            _ = value.Describe();
        }

        if (file.Metadata.Contains("tokenizer.ggml.eos_token_id"))
        {
            EndOfGeneration.FromGguf(file.Metadata);
        }
    }

    private static void RunSafetensors(byte[] bytes)
    {
        using SafetensorsFile file = SafetensorsFile.Parse(new MemoryStream(bytes), "fuzz.safetensors");
        CheckTensors(file, bytes.Length);
    }

    private static void RunConfig(byte[] bytes)
    {
        HuggingFaceConfig config = HuggingFaceConfig.Parse(bytes, "fuzz.json");
        RopeFrequencies frequencies = RopeFrequencies.Compute(HuggingFaceRope.Read(config.Raw), 64, 4096, "fuzz.json");
        if (!Array.TrueForAll(frequencies.Inverse, float.IsFinite) || !float.IsFinite(frequencies.AttentionFactor))
        {
            throw new InvalidOperationException("a frequency is not finite");
        }

        EndOfGeneration.FromHuggingFace(config.Raw, null, null, null);
        config.Raw.RequireAllRead();
    }

    private static void RunTokenizerJson(byte[] bytes) => Use(new Tokenizer(TokenizerJsonReader.Read("fuzz.json", bytes)));

    private static void RunTokenizerModel(byte[] bytes) => Use(new Tokenizer(SentencePieceBuilder.Build(SentencePieceFile.Parse("fuzz.model", bytes))));

    private static void RunTemplate(byte[] bytes) => ChatTemplate.Compile(Encoding.UTF8.GetString(bytes)).Render(TemplateInputs.Value, TemplateLimits);

    private static void Use(Tokenizer tokenizer) => tokenizer.Decode(tokenizer.Encode(Text, true), true);

    private static void CheckTensors(ICheckpoint checkpoint, long length)
    {
        foreach (CheckpointTensor tensor in checkpoint.Tensors)
        {
            if (tensor.HasKnownLayout && (tensor.Offset < 0 || tensor.ByteLength < 0 || tensor.Offset + tensor.ByteLength > length))
            {
                throw new InvalidOperationException($"{tensor} was accepted outside the file");
            }
        }
    }

    private static ChatTemplateInputs ReadTemplateInputs()
    {
        using JsonDocument document = JsonDocument.Parse(
            """
            {"messages":[{"role":"system","content":"S"},{"role":"user","content":"Hi \ud83d\ude00"},{"role":"assistant","content":null,"tool_calls":[{"id":"1","function":{"name":"f","arguments":{"a":1.5}}}]}],
             "tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"a":{"type":"number"}}}}}],
             "add_generation_prompt":true,"bos_token":"<s>","eos_token":"</s>","l":[3,1,2],"d":{"b":1,"a":2},"s":"Hello World","n":42,"f":1.5}
            """);
        return ChatTemplateInputs.FromJson(document.RootElement, new DateTime(2026, 11, 22, 12, 0, 0));
    }
}
