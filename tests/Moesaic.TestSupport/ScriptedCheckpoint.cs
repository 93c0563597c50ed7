using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace Moesaic.TestSupport;

/// <summary>
/// A checkpoint whose answers are known: its weights make each token follow from the one before it alone. Attention and the MLP
/// are zero, the embedding of a scripted token is a direction of its own, and the head turns that direction into the next token.
/// So real servers and clients can be tested with tool calls and thinking that a small trained model would not give.
/// </summary>
public static class ScriptedCheckpoint
{
    /// <summary>The answer to a conversation without tools.</summary>
    public static string Answer => string.Concat(s_answer);

    /// <summary>The thinking before <see cref="Answer"/> when the conversation asks for it.</summary>
    public const string Thought = "Well, let me see";

    /// <summary>The tool that is called whenever the last message is the user's and there are tools.</summary>
    public const string ToolName = "get_weather";

    /// <summary>The arguments of the call.</summary>
    public const string ToolArguments = """{"city": "Paris"}""";

    /// <summary>The answer to the result of a tool.</summary>
    public static string ResultAnswer => string.Concat(s_result);

    /// <summary>With tools, a last message with this word is answered by two calls.</summary>
    public const string TwiceWord = "twice";

    /// <summary>A last message with this word is answered without an end.</summary>
    public const string EndlessWord = "forever";

    /// <summary>What the endless answer repeats.</summary>
    public const string EndlessPiece = " la";

    /// <summary>Longest context, unless told otherwise.</summary>
    public const int MaxContext = 2048;

    private const int Hidden = 64;
    private const int Heads = 2;
    private const float Strength = 8;
    private const string End = "<|end|>";

    private static readonly string[] s_answer = ["Once", " upon", " a", " time", " there", " was", " a größe", "."];
    private static readonly string[] s_call = ["<tool_call>\n", $$"""{"name": "{{ToolName}}", """, "\"arguments\": {\"city\": ", "\"Par", "is\"", "}}\n", "</tool_call>"];
    private static readonly string[] s_twoCalls =
    [
        "<tool_call>", "{\"name\": \"get_weather\", \"arguments\": ", "{\"city\": \"Oslo\"}}", "</tool_call>\n",
        "<tool_call>{\"name\": ", "\"get_weather\", \"arguments\": {\"city\": ", "\"Rome\"}}", "\n</tool_call>",
    ];

    private static readonly string[] s_result = ["Sunny", ", they", " say", "!"];
    private static readonly string[] s_thought = ["<think>\n", "Well, ", "let me", " see", "\n</think>\n\n"];
    private static readonly string[] s_special = [End, "<|say|>", "<|call|>", "<|result|>", "<|think|>", "<|endless|>", "<|twice|>", "<|system|>", "<|user|>", "<|assistant|>", "<|tool|>"];

    private const string Template = """
        {%- if tools %}<|system|>Tools, called as <tool_call>: {{ tools | tojson }}{{ '<|end|>' }}{% endif -%}
        {%- for m in messages %}{{ '<|' ~ m.role ~ '|>' }}{{ m.content or '' }}{% if m.tool_calls %}{% for c in m.tool_calls %}<tool_call>{{ (c.function or c) | tojson }}</tool_call>{% endfor %}{% endif %}{{ '<|end|>' }}{% endfor -%}
        {%- if add_generation_prompt -%}
        {%- set last = messages[-1] -%}
        {%- if last.role == 'tool' %}<|result|>{% elif tools and 'twice' in (last.content or '') %}<|twice|>{% elif tools %}<|call|>{% elif 'forever' in (last.content or '') %}<|endless|>{% elif enable_thinking %}<|think|>{% else %}<|say|>{% endif -%}
        {%- endif -%}
        """;

    /// <summary>Writes the checkpoint into a folder.</summary>
    /// <param name="folder">An existing folder.</param>
    /// <param name="maxContext">Its longest context, which bounds the endless answer.</param>
    /// <returns>The folder.</returns>
    public static string Write(string folder, int maxContext = MaxContext)
    {
        Vocabulary vocabulary = new();
        File.WriteAllText(Path.Combine(folder, "config.json"), $$"""
            {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": {{Hidden}}, "intermediate_size": {{Hidden}}, "num_hidden_layers": 1,
             "num_attention_heads": {{Heads}}, "num_key_value_heads": {{Heads}}, "head_dim": {{Hidden / Heads}}, "hidden_act": "silu", "rms_norm_eps": 1e-6, "rope_theta": 10000.0,
             "max_position_embeddings": {{maxContext}}, "vocab_size": {{vocabulary.Size}}, "tie_word_embeddings": false, "eos_token_id": {{vocabulary.Id(End)}}, "torch_dtype": "float32"}
            """);
        File.WriteAllText(Path.Combine(folder, "generation_config.json"), $$"""{"eos_token_id": {{vocabulary.Id(End)}}}""");
        File.WriteAllText(Path.Combine(folder, "tokenizer.json"), vocabulary.Tokenizer());
        File.WriteAllText(
            Path.Combine(folder, "tokenizer_config.json"),
            $$"""{"eos_token": "{{End}}", "chat_template": {{JsonSerializer.Serialize(Template)}}, "tokenizer_class": "PreTrainedTokenizerFast"}""");
        WriteWeights(Path.Combine(folder, "model.safetensors"), vocabulary);
        return folder;
    }

    private static void WriteWeights(string path, Vocabulary vocabulary)
    {
        float[] embedding = new float[vocabulary.Size * Hidden];
        float[] head = new float[vocabulary.Size * Hidden];
        int direction = 0;

        // Tokens of prompts share the direction 0.
        for (int id = 0; id < vocabulary.Size; id++)
        {
            embedding[id * Hidden] = 1;
        }

        Chain("<|say|>", s_answer, End);
        Chain("<|call|>", s_call, End);
        Chain("<|twice|>", s_twoCalls, End);
        Chain("<|result|>", s_result, End);
        Chain("<|think|>", s_thought, s_answer[0]);
        Chain("<|endless|>", [EndlessPiece], EndlessPiece);

        float[] ones = Enumerable.Repeat(1f, Hidden).ToArray();
        float[] zeros = new float[Hidden * Hidden];
        List<(string Name, int[] Shape, float[] Values)> tensors =
        [
            ("model.embed_tokens.weight", [vocabulary.Size, Hidden], embedding),
            ("lm_head.weight", [vocabulary.Size, Hidden], head),
            ("model.norm.weight", [Hidden], ones),
            ("model.layers.0.input_layernorm.weight", [Hidden], ones),
            ("model.layers.0.post_attention_layernorm.weight", [Hidden], ones),
        ];
        foreach (string name in new[] { "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj" })
        {
            tensors.Add(($"model.layers.0.{name}.weight", [Hidden, Hidden], zeros));
        }

        WriteSafetensors(path, tensors);

        void Chain(string start, string[] pieces, string then)
        {
            string[] all = [start, .. pieces, then];
            for (int i = 0; i + 1 < all.Length; i++)
            {
                int id = vocabulary.Id(all[i]);
                direction++;
                embedding[id * Hidden] = 0;
                embedding[(id * Hidden) + direction] = 1;
                head[(vocabulary.Id(all[i + 1]) * Hidden) + direction] = Strength;
            }
        }
    }

    internal static void WriteSafetensors(string path, List<(string Name, int[] Shape, float[] Values)> tensors)
    {
        StringBuilder header = new("{");
        long offset = 0;
        foreach ((string name, int[] shape, float[] values) in tensors)
        {
            long end = offset + (values.Length * sizeof(float));
            header.Append(offset == 0 ? "" : ",").Append(System.Globalization.CultureInfo.InvariantCulture, $$"""{{JsonSerializer.Serialize(name)}}:{"dtype":"F32","shape":[{{string.Join(',', shape)}}],"data_offsets":[{{offset}},{{end}}]}""");
            offset = end;
        }

        byte[] json = Encoding.UTF8.GetBytes(header.Append('}').ToString());
        using FileStream file = File.Create(path);
        Span<byte> length = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(length, json.Length);
        file.Write(length);
        file.Write(json);
        foreach ((_, _, float[] values) in tensors)
        {
            file.Write(MemoryMarshal.AsBytes(values.AsSpan()));
        }
    }

    /// <summary>Bytes, scripted pieces, special tokens; byte-level BPE without merges, so that prompts are bytes.</summary>
    private sealed class Vocabulary
    {
        private readonly Dictionary<string, int> _ids = [];
        private readonly List<string> _pieces = [];

        public Vocabulary()
        {
            for (int value = 0; value < 256; value++)
            {
                _pieces.Add(ByteCharacter((byte)value).ToString());
            }

            foreach (string piece in s_answer.Concat(s_call).Concat(s_twoCalls).Concat(s_result).Concat(s_thought).Append(EndlessPiece))
            {
                // A piece of one byte is that byte's token.
                if (Encoding.UTF8.GetByteCount(piece) == 1)
                {
                    _ids.Add(piece, _pieces.IndexOf(ByteCharacter((byte)piece[0]).ToString()));
                    continue;
                }

                _ids.Add(piece, _pieces.Count);
                _pieces.Add(string.Concat(Encoding.UTF8.GetBytes(piece).Select(ByteCharacter)));
            }

            foreach (string special in s_special)
            {
                _ids.Add(special, _pieces.Count + Array.IndexOf(s_special, special));
            }
        }

        public int Size => _pieces.Count + s_special.Length;

        public int Id(string piece) => _ids[piece];

        public string Tokenizer()
        {
            string vocabulary = string.Join(",", _pieces.Select((p, i) => $"{JsonSerializer.Serialize(p)}:{i}"));
            string added = string.Join(",", s_special.Select(
                s => $$"""{"id":{{Id(s)}},"content":"{{s}}","special":true,"single_word":false,"lstrip":false,"rstrip":false,"normalized":false}"""));
            return $$"""
                {"version":"1.0","added_tokens":[{{added}}],"normalizer":null,
                 "pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true},"post_processor":null,
                 "decoder":{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true},
                 "model":{"type":"BPE","dropout":null,"unk_token":null,"continuing_subword_prefix":null,"end_of_word_suffix":null,"fuse_unk":false,"byte_fallback":false,"vocab":{ {{vocabulary}} },"merges":[] } }
                """;
        }

        /// <summary>GPT-2's printable stand-in for a byte.</summary>
        private static char ByteCharacter(byte value) =>
            IsPrintable(value) ? (char)value : (char)(256 + Enumerable.Range(0, value).Count(v => !IsPrintable((byte)v)));

        private static bool IsPrintable(byte value) => value is (>= 33 and <= 126) or (>= 161 and <= 172) or >= 174;
    }
}
