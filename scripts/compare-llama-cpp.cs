// Opens the GGUF files that 'moesaic quantize' writes with llama.cpp, and compares what both compute from the same file.
// Never in CI: it needs llama.cpp (scripts/get-llama-cpp.sh), ../shared/fixtures and a built program.
//
//   dotnet run scripts/compare-llama-cpp.cs [--families llama,bert] [--types f16,q4_k] [--keep] > table.md
//
// A fixture's configuration is widened until rows hold whole blocks of 256, its weights are made up (the same each time), it
// gets a small tokenizer, and is written in every type. llama.cpp's server continues a prompt of 100 tokens greedily by 24 and
// tells the log-probabilities of every token at each step; moesaic scores the same sequence. Encoders: mean-pooled embeddings.
// NMSE is that of the log-probabilities with their mean taken off, which are the logits but for a constant.
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

const int Prompt = 100, Drawn = 24, Port = 18603;
string root = Directory.GetCurrentDirectory();
string program = Environment.GetEnvironmentVariable("MOESAIC_PROGRAM") ?? Path.Combine(root, "out/bin/moesaic");
string server = Path.Combine(root, ".tools/llama.cpp/llama-server");
string fixtures = Path.Combine(root, "../shared/fixtures");
string work = Path.Combine(root, "out/compare-llama-cpp");
foreach (string needed in (string[])[program, server, Path.Combine(fixtures, "README.md")])
{
    if (!File.Exists(needed))
    {
        Console.Error.WriteLine($"compare-llama-cpp: {needed} is not there; run from the repository's root, after ./build.sh build and scripts/get-llama-cpp.sh");
        return 1;
    }
}

Family[] families =
[
    new("llama", "sp_bpe_llama2"), new("llama31_scaled", "byte_bpe_llama3"), new("llama_yarn", "byte_bpe_llama3"), new("mistral", "sp_bpe_llama2", """{"sliding_window":null}"""), new("qwen2", "byte_bpe_llama3"),
    new("qwen3", "byte_bpe_llama3"), new("qwen3_moe", "byte_bpe_llama3"), new("mixtral", "sp_bpe_llama2", """{"sliding_window":null}"""), new("dots1", "byte_bpe_llama3"), new("olmoe", "byte_bpe_llama3"),
    new("phi3", "sp_bpe_llama2"), new("phi3_longrope", "sp_bpe_llama2"), new("gemma3", "sp_bpe_llama2", """{"query_pre_attn_scalar":128}"""),
    new("gpt_oss", "byte_bpe_llama3", """{"rope_scaling":null}"""), new("gpt_oss", "byte_bpe_llama3", Note: "YaRN"),
    new("ling", "byte_bpe_llama3"), new("ling_yarn", "byte_bpe_llama3"), new("ling_mtp", "byte_bpe_llama3"),
    new("deepseek_v2_lite", "byte_bpe_llama3", """{"num_hidden_layers":27}"""), new("deepseek_v2", "byte_bpe_llama3", """{"topk_method":"greedy"}"""), new("deepseek_v2", "byte_bpe_llama3", Note: "groups of experts"), new("deepseek_v3", "byte_bpe_llama3"),
    new("bert", "wordpiece_bert"), new("xlm_roberta", "sp_unigram_xlmr"),
];
string[] types = ["f32", "f16", "bf16", "q8_0", "q4_0", "q4_k", "q6_k", "iq4_nl", "iq4_xs", "mxfp4"];
bool keep = false;
for (int i = 0; i < args.Length; i++)
{
    switch (args[i])
    {
        case "--families" when i + 1 < args.Length:
            string[] names = args[++i].Split(',');
            families = [.. names.SelectMany(n => families.Where(f => f.Name == n))];
            break;
        case "--types" when i + 1 < args.Length:
            types = args[++i].Split(',');
            break;
        case "--keep":
            keep = true;
            break;
        default:
            Console.Error.WriteLine($"compare-llama-cpp: unknown option '{args[i]}'; see the head of the script");
            return 2;
    }
}

string version = Run(server, "--version").Error.Split('\n').FirstOrDefault(l => l.StartsWith("version", StringComparison.Ordinal)) ?? "?";
Console.WriteLine($"llama.cpp {version}, {DateTime.UtcNow:yyyy-MM-dd}; NMSE (same greedy tokens of {Drawn}); encoders: cosine distance of the embedding");
Console.WriteLine();
Console.WriteLine($"| family | tokens | {string.Join(" | ", types)} |");
Console.WriteLine($"|---|---:|{string.Concat(types.Select(_ => "---:|"))}");
int failures = 0;
foreach (Family family in families)
{
    // One name for all: llama.cpp looks for "phi3" in a model's name, and then wants tokens that these tokenizers lack.
    string folder = Path.Combine(work, "checkpoint");
    Directory.CreateDirectory(folder);
    Checkpoint.Write(Path.Combine(fixtures, family.Name), Path.Combine(root, "../shared/tokenizers/small", family.Tokenizer), folder, family.Edits);
    List<string> cells = [];
    string texts = "";
    foreach (string type in types)
    {
        string file = Path.Combine(work, $"{family.Name}{family.Note.Length}-{type}.gguf");
        (int code, string output, string error) = Run(program, "quantize", folder, file, "--type", type, "--force", "--json");
        if (code != 0)
        {
            cells.Add("not written");
            Console.Error.WriteLine($"{family.Name} {type}: {error.Trim()}");
            failures++;
            continue;
        }

        string note = Fallbacks(output, type);
        try
        {
            using LlamaServer llama = new(server, file, Port, family.IsEncoder);
            cells.Add((family.IsEncoder ? CompareEmbedding(llama, file) : CompareLogits(llama, file)) + note);
            texts = texts.Length > 0 ? texts : llama.CompareTokens(Path.Combine(root, "../shared/tokenizers/small", family.Tokenizer, "cases.jsonl"));
        }
        catch (InvalidOperationException e)
        {
            cells.Add("refused");
            Console.Error.WriteLine($"{family.Name} {type}: {e.Message}");
            failures++;
        }

        if (!keep)
        {
            File.Delete(file);
        }
    }

    Console.WriteLine($"| {family.Name}{(family.Note.Length > 0 ? $", {family.Note}" : "")} | {texts} | {string.Join(" | ", cells)} |");
}

return failures > 0 ? 1 : 0;

// The number of matrices that took another type than the one asked for, since their rows are no whole blocks.
static string Fallbacks(string output, string type)
{
    JsonArray tensors = JsonNode.Parse(output)!["tensors"]!.AsArray();
    int others = tensors.Count(t => t!["fallback"] is JsonValue v && (v.GetValueKind() == JsonValueKind.True || v.GetValueKind() == JsonValueKind.String));
    return others > 0 ? $" [{others} of {tensors.Count} otherwise]" : "";
}

string CompareLogits(LlamaServer llama, string file)
{
    int vocabulary = llama.Vocabulary;
    int[] prompt = [.. Enumerable.Range(0, Prompt).Select(i => 10 + (((i * 37) + (i * i % 11) + 5) % (vocabulary - 10)))];
    (int[] drawn, double[][] theirs) = llama.Continue(prompt, Drawn, vocabulary);
    File.WriteAllText(Path.Combine(work, "ids.json"), new JsonObject { ["ids"] = new JsonArray(new JsonArray([.. prompt.Concat(drawn).Select(i => JsonValue.Create(i))])) }.ToJsonString());
    string logits = Path.Combine(work, "logits.safetensors");
    (int code, _, string error) = Run(program, "score", "--model", file, "--ids", Path.Combine(work, "ids.json"), "--logits", logits, "--precision", "reference", "--json");
    if (code != 0)
    {
        throw new InvalidOperationException("score: " + error.Trim());
    }

    float[] ours = Checkpoint.Read(logits, "logits");
    double square = 0, difference = 0;
    int same = 0;
    for (int step = 0; step < drawn.Length; step++)
    {
        ReadOnlySpan<float> row = ours.AsSpan((Prompt - 1 + step) * vocabulary, vocabulary);
        double[] a = Centred([.. row.ToArray().Select(v => (double)v)]), b = Centred(theirs[step]);
        square += b.Sum(v => v * v);
        difference += a.Zip(b, (x, y) => (x - y) * (x - y)).Sum();
        same += Array.IndexOf(a, a.Max()) == Array.IndexOf(b, b.Max()) ? 1 : 0;
    }

    return string.Create(CultureInfo.InvariantCulture, $"{difference / square:0.0e+0} ({same})");
}

string CompareEmbedding(LlamaServer llama, string file)
{
    int[] ids = [2, .. Enumerable.Range(0, 40).Select(i => 10 + (((i * 37) + 5) % 1000)), 3];
    double[] theirs = llama.Embed(ids);
    File.WriteAllText(Path.Combine(work, "ids.json"), new JsonObject { ["ids"] = new JsonArray(new JsonArray([.. ids.Select(i => JsonValue.Create(i))])) }.ToJsonString());
    string output = Path.Combine(work, "embedding.safetensors");
    (int code, _, string error) = Run(program, "embed", "--model", file, "--ids", Path.Combine(work, "ids.json"), "--output", output, "--precision", "reference");
    if (code != 0)
    {
        throw new InvalidOperationException("embed: " + error.Trim());
    }

    double[] ours = [.. Checkpoint.Read(output, "embeddings").Select(v => (double)v)];
    double cosine = ours.Zip(theirs, (a, b) => a * b).Sum() / Math.Sqrt(ours.Sum(v => v * v) * theirs.Sum(v => v * v));
    return string.Create(CultureInfo.InvariantCulture, $"{Math.Max(0, 1 - cosine):0.0e+0}");
}

static double[] Centred(double[] values)
{
    double mean = values.Average();
    return Array.ConvertAll(values, v => v - mean);
}

static (int Code, string Output, string Error) Run(string file, params string[] arguments)
{
    using Process process = Process.Start(new ProcessStartInfo(file, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
    Task<string> error = process.StandardError.ReadToEndAsync();
    string output = process.StandardOutput.ReadToEnd();
    process.WaitForExit();
    return (process.ExitCode, output, error.Result);
}

/// <param name="Name">The fixture's.</param>
/// <param name="Tokenizer">A small tokenizer.</param>
/// <param name="Edits">What llama.cpp cannot do, or knows by another property of published models.</param>
/// <param name="Note">Told in the table.</param>
internal sealed record Family(string Name, string Tokenizer, string Edits = "{}", string Note = "")
{
    public bool IsEncoder => Name is "bert" or "xlm_roberta";
}

/// <summary>One run of llama.cpp's server with one file, computing in float32 where the file's type lets it.</summary>
internal sealed class LlamaServer : IDisposable
{
    private readonly Process _process;
    private readonly HttpClient _client;
    private readonly StringBuilder _log = new();

    public LlamaServer(string program, string model, int port, bool isEncoder)
    {
        string[] arguments = ["-m", model, "--host", "127.0.0.1", "--port", $"{port}", "--no-ui", "-np", "1", "-c", "512", "-b", "512", "-ub", "512", "-t", "2", "--no-warmup", "-fit", "off",
            .. isEncoder ? (string[])["--embedding", "--pooling", "mean"] : ["-ctk", "f32", "-ctv", "f32", "-fa", "off"]];
        _process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        _process.OutputDataReceived += (_, e) => Add(e.Data);
        _process.ErrorDataReceived += (_, e) => Add(e.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        _client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}"), Timeout = TimeSpan.FromMinutes(2) };
        for (int i = 0; ; i++)
        {
            if (_process.HasExited || i > 600)
            {
                string log = Log();
                Dispose();
                throw new InvalidOperationException("llama.cpp does not open it: " + log);
            }

            try
            {
                using HttpResponseMessage response = _client.GetAsync("/health").Result;
                if (response.StatusCode == HttpStatusCode.OK)
                {
                    break;
                }
            }
            catch (AggregateException)
            {
                // Not listening yet.
            }

            Thread.Sleep(50);
        }
    }

    // A token of every small tokenizer that is a whole character.
    private int Whole => Post("/tokenize", new JsonObject { ["content"] = "e", ["add_special"] = false })["tokens"]!.AsArray()[^1]!.GetValue<int>();

    public int Vocabulary => Post("/v1/models", null)["data"]![0]!["meta"]!["n_vocab"]!.GetValue<int>();

    public (int[] Ids, double[][] Logprobs) Continue(int[] prompt, int count, int vocabulary)
    {
        List<int> ids = [.. prompt];
        List<double[]> all = [];
        for (int step = 0; step < count; step++)
        {
            // The draw is forced to a whole character: a token that ends within one is held back, and its log-probabilities with it.
            JsonNode reply = Post("/completion", new JsonObject
            {
                ["prompt"] = Ids([.. ids]), ["n_predict"] = 1, ["n_probs"] = vocabulary, ["temperature"] = 0, ["logit_bias"] = new JsonArray(new JsonArray(Whole, 1e6)), ["cache_prompt"] = true,
            });
            double[] row = new double[vocabulary];
            Array.Fill(row, double.NaN);
            foreach (JsonNode? entry in reply["completion_probabilities"]?[0]?["top_logprobs"]?.AsArray() ?? [])
            {
                row[entry!["id"]!.GetValue<int>()] = entry["logprob"]!.GetValue<double>();
            }

            if (row.Any(double.IsNaN))
            {
                throw new InvalidOperationException("llama.cpp left out some tokens' log-probabilities");
            }

            ids.Add(Array.IndexOf(row, row.Max()));
            all.Add(row);
        }

        return ([.. ids.Skip(prompt.Length)], [.. all]);
    }

    public double[] Embed(int[] ids)
    {
        JsonNode embedding = Post("/embedding", new JsonObject { ["content"] = Ids(ids) })[0]!["embedding"]!;
        return [.. (embedding[0] is JsonArray rows ? rows : embedding.AsArray()).Select(v => v!.GetValue<double>())];
    }

    /// <summary>Of the reference texts of a tokenizer, how many llama.cpp splits the same way with the tokenizer in the file.</summary>
    public string CompareTokens(string cases)
    {
        int same = 0, all = 0;
        foreach (string line in File.ReadLines(cases))
        {
            JsonNode expected = JsonNode.Parse(line)!;
            JsonNode found = Post("/tokenize", new JsonObject { ["content"] = expected["text"]!.DeepClone(), ["add_special"] = false, ["parse_special"] = true });
            all++;
            same += JsonNode.DeepEquals(expected["ids"], found["tokens"]) ? 1 : 0;
        }

        return $"{same} of {all}";
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }

        _process.WaitForExit();
        _process.Dispose();
        _client.Dispose();
    }

    private static JsonArray Ids(int[] ids) => new([.. ids.Select(i => JsonValue.Create(i))]);

    private JsonNode Post(string path, JsonObject? body)
    {
        try
        {
            using StringContent content = new(body?.ToJsonString() ?? "", Encoding.UTF8, "application/json");
            using HttpResponseMessage response = body is null ? _client.GetAsync(path).Result : _client.PostAsync(path, content).Result;
            string text = response.Content.ReadAsStringAsync().Result;
            return response.IsSuccessStatusCode ? JsonNode.Parse(text)! : throw new InvalidOperationException($"{path}: {text}");
        }
        catch (AggregateException e)
        {
            throw new InvalidOperationException($"{path}: {e.InnerException!.Message}: {Log()}");
        }
    }

    private void Add(string? line)
    {
        lock (_log)
        {
            _log.AppendLine(line);
        }
    }

    private string Log()
    {
        lock (_log)
        {
            string[] lines = _log.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
            string[] told = [.. lines.Where(l => l.Contains("error", StringComparison.OrdinalIgnoreCase) || l.Contains("assert", StringComparison.OrdinalIgnoreCase))];
            return string.Join(" / ", told.Length > 0 ? told.Take(6) : lines.TakeLast(4));
        }
    }
}

/// <summary>A checkpoint with a fixture's tensors, four times as wide, and made-up values.</summary>
internal static class Checkpoint
{
    private static readonly string[] s_sizes = ["hidden_size", "intermediate_size", "head_dim", "query_pre_attn_scalar", "shared_expert_intermediate_size"];

    // What no factor of four makes a multiple of 256.
    private static readonly (string Key, int Value)[] s_others =
    [
        ("moe_intermediate_size", 256), ("moe_shared_expert_intermediate_size", 256), ("q_lora_rank", 256), ("kv_lora_rank", 256), ("qk_nope_head_dim", 128), ("qk_rope_head_dim", 64),
        ("qk_head_dim", 192), ("v_head_dim", 128),
    ];

    public static void Write(string fixture, string tokenizer, string folder, string edits)
    {
        JsonObject config = JsonNode.Parse(File.ReadAllText(Path.Combine(fixture, "config.json")))!.AsObject();
        JsonNode model = JsonNode.Parse(File.ReadAllText(Path.Combine(tokenizer, "tokenizer.json")))!;
        JsonNode words = model["model"]!["vocab"]!;
        if ((words as JsonObject)?["##\u2581"] is { } mark)
        {
            // GGUF marks the start of a word with this character, so it has no way to say this word piece; quantize refuses it.
            words.AsObject().Remove("##\u2581");
            words["##\uE000"] = mark.GetValue<int>();
        }

        File.WriteAllText(Path.Combine(folder, "tokenizer.json"), model.ToJsonString());
        int vocabulary = Math.Max(words is JsonArray list ? list.Count : words.AsObject().Count, model["added_tokens"]!.AsArray().Max(t => t!["id"]!.GetValue<int>()) + 1);
        int oldLayers = config["num_hidden_layers"]!.GetValue<int>(), oldVocabulary = config["vocab_size"]!.GetValue<int>();
        bool isLatent = config.ContainsKey("kv_lora_rank"), isLing = config["architectures"]![0]!.GetValue<string>() == "BailingMoeV2ForCausalLM";
        config["vocab_size"] = vocabulary;
        foreach (string key in s_sizes.Where(k => config[k] is not null))
        {
            config[key] = 4 * config[key]!.GetValue<int>();
        }

        foreach ((string key, int value) in s_others.Where(o => config[o.Key] is not null))
        {
            config[key] = value;
        }

        if (isLatent)
        {
            config["head_dim"] = 64;
        }

        if (isLing)
        {
            // llama.cpp wants the width of all heads together to be the hidden size.
            config["hidden_size"] = 512;
        }

        foreach ((string key, JsonNode? value) in JsonNode.Parse(edits)!.AsObject())
        {
            config[key] = value?.DeepClone();
        }

        Stretch(config);
        File.WriteAllText(Path.Combine(folder, "config.json"), config.ToJsonString());
        string weights = Path.Combine(fixture, "model.safetensors");
        int layers = config["num_hidden_layers"]!.GetValue<int>();
        Dictionary<string, long[]> shapes = Header(weights).SelectMany(t => Repeat(t, oldLayers, layers)).ToDictionary(t => t.Name, t => Widen(t.Name, t.Shape, oldVocabulary, vocabulary, isLatent, isLing));
        JsonObject header = [];
        long offset = 0;
        foreach ((string name, long[] shape) in shapes)
        {
            long bytes = 2 * shape.Aggregate((a, b) => a * b);
            header[name] = new JsonObject { ["dtype"] = "BF16", ["shape"] = new JsonArray([.. shape.Select(s => JsonValue.Create(s))]), ["data_offsets"] = new JsonArray(offset, offset + bytes) };
            offset += bytes;
        }

        byte[] json = Encoding.UTF8.GetBytes(header.ToJsonString());
        using FileStream file = File.Create(Path.Combine(folder, "model.safetensors"));
        file.Write(BitConverter.GetBytes((long)json.Length));
        file.Write(json);
        bool isGemma = config["model_type"]!.GetValue<string>().StartsWith("gemma", StringComparison.Ordinal);
        foreach ((string name, long[] shape) in shapes)
        {
            file.Write(MemoryMarshal.AsBytes(Values(name, shape, isGemma).AsSpan()));
        }
    }

    public static float[] Read(string path, string name)
    {
        using FileStream file = File.OpenRead(path);
        (_, _, long begin, long end) = Header(path).Single(t => t.Name == name);
        float[] values = new float[(end - begin) / 4];
        file.Position = begin;
        file.ReadExactly(MemoryMarshal.AsBytes(values.AsSpan()));
        return values;
    }

    // Factors of longrope, one for each pair of a head's width.
    private static void Stretch(JsonNode? node)
    {
        foreach ((string key, JsonNode? value) in (node as JsonObject)?.ToArray() ?? [])
        {
            if (key is "short_factor" or "long_factor")
            {
                node![key] = new JsonArray([.. value!.AsArray().SelectMany(v => Enumerable.Range(0, 4).Select(i => JsonValue.Create(v!.GetValue<double>() * (1 + (0.01 * i)))))]);
            }

            Stretch(value);
        }
    }

    private static long[] Widen(string name, long[] shape, int oldVocabulary, int vocabulary, bool isLatent, bool isLing)
    {
        bool countsFirst = name.Contains("mlp.gate.", StringComparison.Ordinal) || name.Contains("router", StringComparison.Ordinal) || name.Contains("sinks", StringComparison.Ordinal)
            || name.Contains("position_embeddings", StringComparison.Ordinal) || name.Contains("token_type", StringComparison.Ordinal) || name.Contains("block_sparse_moe.gate", StringComparison.Ordinal) || name.Contains("expert_bias", StringComparison.Ordinal);
        return [.. shape.Select((size, axis) => size == oldVocabulary && axis == 0 && (name.Contains("embed", StringComparison.Ordinal) || name.Contains("head", StringComparison.Ordinal) || name.Contains("predictions", StringComparison.Ordinal)) ? vocabulary
            : axis == 0 && (countsFirst || shape.Length == 3 || (shape.Length == 2 && name.EndsWith("_bias", StringComparison.Ordinal))) ? size
            : isLatent && name.Contains("kv_a_proj", StringComparison.Ordinal) && axis == 0 ? 256 + 64
            : isLatent && name.Contains("kv_a_layernorm", StringComparison.Ordinal) || (isLatent && name.Contains("kv_b_proj", StringComparison.Ordinal) && axis == 1) ? 256
            : isLatent && name.Contains("kv_b_proj", StringComparison.Ordinal) ? 4 * 256
            : isLatent && (name.Contains("q_b_proj", StringComparison.Ordinal) || name.Contains("q_proj", StringComparison.Ordinal)) && axis == 0 ? 4 * 192
            : isLing && axis == 1 && name.Contains("eh_proj", StringComparison.Ordinal) ? 2 * 512
            : size is 48 or 96 ? size / 48 * 256
            : size == 64 && isLing ? 512
            : 4 * size)];
    }

    // Layers past the fixture's have the shapes of its last.
    private static IEnumerable<(string Name, long[] Shape, long Begin, long End)> Repeat((string Name, long[] Shape, long Begin, long End) tensor, int oldLayers, int layers)
    {
        string last = $"layers.{oldLayers - 1}.";
        return layers > oldLayers && tensor.Name.Contains(last, StringComparison.Ordinal)
            ? Enumerable.Range(oldLayers - 1, layers - oldLayers + 1).Select(i => (tensor.Name.Replace(last, $"layers.{i}.", StringComparison.Ordinal), tensor.Shape, 0L, 0L))
            : [tensor];
    }

    private static ushort[] Values(string name, long[] shape, bool isGemma)
    {
        Random random = new(name.Aggregate(unchecked((int)2166136261), (hash, c) => unchecked((hash ^ c) * 16777619)));
        bool isNorm = shape.Length == 1 && name.Contains("norm", StringComparison.OrdinalIgnoreCase) && !name.EndsWith("bias", StringComparison.Ordinal);
        double centre = isNorm && !isGemma ? 1 : 0;
        double width = shape.Length == 1 ? 0.25 : Math.Sqrt(3.0 / shape[^1]) * (name.Contains("embed", StringComparison.Ordinal) ? 4 : 1);
        ushort[] values = new ushort[shape.Aggregate((a, b) => a * b)];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = (ushort)(BitConverter.SingleToUInt32Bits((float)(centre + (((2 * random.NextDouble()) - 1) * width))) >> 16);
        }

        return values;
    }

    private static IEnumerable<(string Name, long[] Shape, long Begin, long End)> Header(string path)
    {
        using FileStream file = File.OpenRead(path);
        byte[] length = new byte[8];
        file.ReadExactly(length);
        byte[] json = new byte[BitConverter.ToInt64(length)];
        file.ReadExactly(json);
        long start = 8 + json.Length;
        return [.. JsonNode.Parse(json)!.AsObject().Where(t => t.Key != "__metadata__").Select(t =>
            (t.Key, t.Value!["shape"]!.AsArray().Select(s => s!.GetValue<long>()).ToArray(), start + t.Value["data_offsets"]![0]!.GetValue<long>(), start + t.Value["data_offsets"]![1]!.GetValue<long>()))];
    }
}
