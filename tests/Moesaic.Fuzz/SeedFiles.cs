using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using Moesaic.TestSupport;

namespace Moesaic.Fuzz;

/// <summary>Inputs to start from: tests/testdata and, where it stands beside the clone, ../shared.</summary>
internal static class SeedFiles
{
    /// <summary>Mutating and reading larger inputs costs more than it finds.</summary>
    private const int MaxBytes = 64 << 10;

    private const int MaxFiles = 64;

    private static readonly EnumerationOptions Recursive = new() { RecurseSubdirectories = true, IgnoreInaccessible = true };

    /// <summary>The first bytes of all files of a pattern.</summary>
    public static IEnumerable<byte[]> Heads(string pattern) => Find(pattern).Select(path => Head(path, 32 << 10));

    /// <summary>All files of a pattern that are small enough to be mutated whole.</summary>
    public static IEnumerable<byte[]> Whole(string pattern) => Find(pattern).Where(path => new FileInfo(path).Length <= MaxBytes).Select(File.ReadAllBytes);

    /// <summary>Headers as they are in files, and a short one that is right: a mutation meets a given byte of it a hundred times as often.</summary>
    public static IEnumerable<byte[]> GgufHeaders()
    {
        using MemoryStream file = new();
        using BinaryWriter writer = new(file);
        writer.Write("GGUF"u8);
        writer.Write(3);
        writer.Write(1L);
        writer.Write(3L);
        Name("general.architecture");
        writer.Write(8);
        Name("llama");
        Name("llama.block_count");
        writer.Write(4);
        writer.Write(2);
        Name("a");
        writer.Write(9);
        writer.Write(4);
        writer.Write(2L);
        writer.Write(1L);
        Name("w");
        writer.Write(1);
        writer.Write(4L);
        writer.Write(0);
        writer.Write(0L);
        writer.Write(new byte[64]);
        return Heads("*.gguf").Append(file.ToArray());

        void Name(string text)
        {
            writer.Write((long)text.Length);
            writer.Write(Encoding.UTF8.GetBytes(text));
        }
    }

    /// <summary>A header and its data of zeros in every form: as they are in files, and short ones that are right.</summary>
    public static IEnumerable<byte[]> SafetensorsHeaders()
    {
        const string small = """{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"b":{"dtype":"BF16","shape":[4],"data_offsets":[16,24]},"c":{"dtype":"U8","shape":[],"data_offsets":[24,25]}}""";
        byte[] json = Encoding.UTF8.GetBytes(small);
        byte[] file = new byte[8 + json.Length + 25];
        BinaryPrimitives.WriteInt64LittleEndian(file, json.Length);
        json.CopyTo(file, 8);
        return Heads("*.safetensors").Prepend(file);
    }

    public static IEnumerable<byte[]> TokenizerJson()
    {
        byte[][] small =
        [
            """
            {"version":"1.0","added_tokens":[{"id":3,"content":"<s>","single_word":false,"lstrip":true,"rstrip":false,"normalized":false,"special":true}],
            "normalizer":{"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"Replace","pattern":{"Regex":" {2,}"},"content":" "},{"type":"BertNormalizer","clean_text":true}]},
            "pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"\\p{L}+|[^\\s]++|\\s+(?!\\S)"},"behavior":"Isolated","invert":false},{"type":"ByteLevel","add_prefix_space":true,"use_regex":true}]},
            "post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],"special_tokens":{"<s>":{"id":"<s>","ids":[3],"tokens":["<s>"]}}},
            "decoder":{"type":"Sequence","decoders":[{"type":"ByteFallback"},{"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]},
            "model":{"type":"BPE","unk_token":"a","fuse_unk":true,"byte_fallback":true,"vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]}}
            """u8.ToArray(),
            """{"pre_tokenizer":{"type":"Metaspace","replacement":"\u2581","prepend_scheme":"first"},"decoder":{"type":"Metaspace","replacement":"\u2581"},"model":{"type":"Unigram","unk_id":0,"vocab":[["<unk>",0],["\u2581",-1.5],["a",-2],["ab",-1]]}}"""u8.ToArray(),
            """{"normalizer":{"type":"Lowercase"},"pre_tokenizer":{"type":"BertPreTokenizer"},"decoder":{"type":"WordPiece","prefix":"##"},"model":{"type":"WordPiece","unk_token":"u","continuing_subword_prefix":"##","max_input_chars_per_word":100,"vocab":{"u":0,"a":1,"##b":2}}}"""u8.ToArray(),
        ];
        return small.Concat(Whole("tokenizer.json"));
    }

    /// <summary>Beginning and end of real models: pieces are cut whole, at most one is damaged.</summary>
    public static IEnumerable<byte[]> SentencePieceModels() =>
        Find("*.model").Select(File.ReadAllBytes).Select(bytes => bytes.Length <= 4096 ? bytes : [.. bytes[..400], .. bytes[^300..]]);

    public static IEnumerable<byte[]> Templates()
    {
        using JsonDocument cases = JsonDocument.Parse(File.ReadAllBytes(TestPaths.TestData("chat_templates", "language.json")));
        List<byte[]> seeds = [.. cases.RootElement.GetProperty("cases").EnumerateArray().Select(c => Encoding.UTF8.GetBytes(c.GetProperty("template").GetString()!))];
        seeds.AddRange(Whole("*.jinja"));
        return seeds;
    }

    private static IEnumerable<string> Find(string pattern)
    {
        IEnumerable<string> files = Directory.EnumerateFiles(TestPaths.TestData(), pattern, Recursive).Order(StringComparer.Ordinal);
        if (TestPaths.HasShared)
        {
            string shared = Path.GetFullPath(Path.Combine(TestPaths.RepositoryRoot, "..", "shared"));
            files = files.Concat(Directory.EnumerateFiles(shared, pattern, Recursive).Order(StringComparer.Ordinal));
        }

        return files.Take(MaxFiles);
    }

    private static byte[] Head(string path, int bytes)
    {
        using FileStream stream = File.OpenRead(path);
        byte[] head = new byte[Math.Min(bytes, stream.Length)];
        stream.ReadExactly(head);
        return head;
    }
}
