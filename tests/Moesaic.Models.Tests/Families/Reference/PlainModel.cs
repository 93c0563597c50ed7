using System.Text.Json.Nodes;

namespace Moesaic.Models.Tests.Families.Reference;

/// <summary>
/// The forward pass of every decoder family as its published code has it, from config.json and tensors alone: no description,
/// no batches, no cache, in double. It holds the checkpoints with reference logits to those, and so may judge configurations
/// for which there is no checkpoint.
/// </summary>
internal sealed partial class PlainModel
{
    private readonly PlainConfig _c;
    private readonly PlainWeights _weights;
    private readonly PlainRope _rope;
    private readonly PlainRope _localRope;

    public PlainModel(JsonObject config, PlainWeights weights)
    {
        _c = new PlainConfig(config);
        _weights = weights;
        Is3 = _c.Architecture == "DeepseekV3ForCausalLM";
        bool latent = Is3 || _c.Architecture == "DeepseekV2ForCausalLM";
        int width = latent ? _c.Int("qk_rope_head_dim") : HeadWidth;
        double theta = IsGemma ? 1e6 : _c.Architecture == "GptOssForCausalLM" ? 150000 : 10000;
        _rope = new PlainRope(_c, width, IsGemma ? "full_attention" : null, theta, interleaved: latent && _c.Flag("rope_interleave", true));
        _localRope = IsGemma ? new PlainRope(_c, width, "sliding_attention") : _rope;
        IsLatent = latent;
    }

    private bool Is3 { get; }

    private bool IsLatent { get; }

    private bool IsGemma => _c.Architecture == "Gemma3ForCausalLM";

    private bool IsLing => _c.Architecture == "BailingMoeV2ForCausalLM";

    private int HeadWidth => _c.Int("head_dim", _c.Architecture switch
    {
        "Qwen3ForCausalLM" => 128,
        "GptOssForCausalLM" => 64,
        "Gemma3ForCausalLM" => 256,
        _ => _c.Hidden / _c.Heads,
    });

    private string Embedding => IsLing ? "model.word_embeddings.weight" : "model.embed_tokens.weight";

    /// <summary>Logits of every position, and those of the first multi-token-prediction layer where there is one.</summary>
    public (double[][] Main, double[][] Predicted) Logits(int[] ids)
    {
        double[][] x = Embed(Embedding, ids);
        for (int layer = 0; layer < _c.Layers; layer++)
        {
            x = Layer(layer, x);
        }

        x = Norms("model.norm", x);
        bool tied = _c.Flag("tie_word_embeddings", IsGemma);
        string head = tied ? Embedding : "lm_head.weight";
        double[][] main = Map(head, _c.Vocabulary, _c.Hidden, x);
        if (_c.Int("num_nextn_predict_layers") == 0)
        {
            return (main, []);
        }

        // From the normed hidden state of a position and the next token's embedding.
        string p = $"model.layers.{_c.Layers}.";
        double[][] embedded = Norms(p + "enorm", Embed(Is3 ? p + "embed_tokens.weight" : Embedding, [.. ids[1..], 0]));
        double[][] hidden = Norms(p + "hnorm", x);
        double[][] both = [.. embedded.Zip(hidden, (e, h) => e.Concat(h).ToArray())];
        double[][] y = Layer(_c.Layers, Map(p + "eh_proj.weight", _c.Hidden, 2 * _c.Hidden, both));
        y = Norms(p + (Is3 ? "shared_head.norm" : "final_layernorm"), y);
        return (main, Map(Is3 ? p + "shared_head.head.weight" : head, _c.Vocabulary, _c.Hidden, y));
    }

    private double[][] Embed(string name, int[] ids)
    {
        float[] table = _weights.Get(name, _c.Vocabulary, _c.Hidden);
        double scale = IsGemma ? Math.Sqrt(_c.Hidden) : 1;
        return [.. ids.Select(id => Enumerable.Range(0, _c.Hidden).Select(d => table[(id * _c.Hidden) + d] * scale).ToArray())];
    }

    private double[][] Layer(int layer, double[][] x)
    {
        string p = $"model.layers.{layer}.";
        double[][] attended = IsLatent ? LatentAttention(p, Norms(p + "input_layernorm", x)) : Attention(layer, p, Norms(p + "input_layernorm", x));
        x = Sum(x, IsGemma ? Norms(p + "post_attention_layernorm", attended) : attended);
        double[][] normed = Norms(p + (IsGemma ? "pre_feedforward_layernorm" : "post_attention_layernorm"), x);
        double[][] mixed = HasExperts(layer) ? Experts(p, normed) : Mlp(p + "mlp.", _c.Int("intermediate_size"), normed, _c.Architecture == "LlamaForCausalLM" && _c.Flag("mlp_bias"));
        return Sum(x, IsGemma ? Norms(p + "post_feedforward_layernorm", mixed) : mixed);
    }

    private double[][] Attention(int layer, string p, double[][] x)
    {
        int heads = _c.Heads, keyHeads = _c.Int("num_key_value_heads", heads), width = HeadWidth;
        (int queryRows, int keyRows) = (heads * width, keyHeads * width);
        (bool inputBias, bool outputBias) = _c.Architecture switch
        {
            "Qwen2ForCausalLM" => (true, false),
            "BailingMoeV2ForCausalLM" => (_c.Flag("use_qkv_bias"), _c.Flag("use_bias")),
            "GptOssForCausalLM" => (_c.Flag("attention_bias", true), _c.Flag("attention_bias", true)),
            "Phi3ForCausalLM" or "MistralForCausalLM" or "MixtralForCausalLM" => (false, false),
            _ => (_c.Flag("attention_bias"), _c.Flag("attention_bias")),
        };
        string self = p + (IsLing ? "attention." : "self_attn.");
        double[][] q, k, v;
        if (IsLing || _c.Architecture == "Phi3ForCausalLM")
        {
            double[][] all = Linear(self + (IsLing ? "query_key_value" : "qkv_proj"), queryRows + (2 * keyRows), _c.Hidden, x, inputBias);
            (q, k, v) = ([.. all.Select(r => r[..queryRows])], [.. all.Select(r => r[queryRows..(queryRows + keyRows)])], [.. all.Select(r => r[(queryRows + keyRows)..])]);
        }
        else
        {
            q = Linear(self + "q_proj", queryRows, _c.Hidden, x, inputBias);
            k = Linear(self + "k_proj", keyRows, _c.Hidden, x, inputBias);
            v = Linear(self + "v_proj", keyRows, _c.Hidden, x, inputBias);
        }

        int window = Window(layer);
        PlainRope rope = window > 0 ? _localRope : _rope;
        Prepare(q, self + (IsLing ? "query_layernorm" : "q_norm"), width, rope);
        Prepare(k, self + (IsLing ? "key_layernorm" : "k_norm"), width, rope);
        double scale = 1 / Math.Sqrt(IsGemma ? _c.Number("query_pre_attn_scalar", 256) : width);
        float[]? sinks = _c.Architecture == "GptOssForCausalLM" ? _weights.Get(self + "sinks", heads) : null;
        return Linear(self + (IsLing ? "dense" : "o_proj"), _c.Hidden, queryRows, PlainAttention.Attend(q, k, v, heads, keyHeads, scale, window, sinks), outputBias);
    }

    // Norm of each head, or of all as one, then the rotation.
    private void Prepare(double[][] rows, string norm, int width, PlainRope rope)
    {
        bool perHead = _c.Architecture is "Qwen3ForCausalLM" or "Qwen3MoeForCausalLM" or "Dots1ForCausalLM" or "Gemma3ForCausalLM" || (IsLing && _c.Flag("use_qk_norm"));
        bool whole = _c.Architecture == "OlmoeForCausalLM";
        for (int t = 0; t < rows.Length; t++)
        {
            double[] row = rows[t];
            int length = perHead ? width : row.Length;
            for (int begin = 0; (perHead || whole) && begin < row.Length; begin += length)
            {
                Norm(norm, row.AsSpan(begin, length).ToArray(), _c.Epsilon).CopyTo(row, begin);
            }

            for (int begin = 0; begin < row.Length; begin += width)
            {
                rope.Apply(row, begin, t);
            }
        }
    }

    private double[][] LatentAttention(string p, double[][] x)
    {
        (int heads, int plain, int turned, int value, int latent) = (_c.Heads, _c.Int("qk_nope_head_dim"), _c.Int("qk_rope_head_dim"), _c.Int("v_head_dim"), _c.Int("kv_lora_rank"));
        int width = plain + turned, rank = _c.Int("q_lora_rank");
        bool bias = _c.Flag("attention_bias");
        string self = p + "self_attn.";
        double[][] q = rank > 0
            ? Linear(self + "q_b_proj", heads * width, rank, Norms(self + "q_a_layernorm", Linear(self + "q_a_proj", rank, _c.Hidden, x, bias), 1e-6))
            : Linear(self + "q_proj", heads * width, _c.Hidden, x);
        double[][] down = Linear(self + "kv_a_proj_with_mqa", latent + turned, _c.Hidden, x, bias);
        double[][] up = Linear(self + "kv_b_proj", heads * (plain + value), latent, Norms(self + "kv_a_layernorm", [.. down.Select(r => r[..latent])], 1e-6));
        double[][] k = [.. x.Select(_ => new double[heads * width])], v = [.. x.Select(_ => new double[heads * value])];
        for (int t = 0; t < x.Length; t++)
        {
            for (int h = 0; h < heads; h++)
            {
                up[t].AsSpan(h * (plain + value), plain).CopyTo(k[t].AsSpan(h * width));
                down[t].AsSpan(latent, turned).CopyTo(k[t].AsSpan((h * width) + plain));
                up[t].AsSpan((h * (plain + value)) + plain, value).CopyTo(v[t].AsSpan(h * value));
                _rope.Apply(q[t], (h * width) + plain, t);
                _rope.Apply(k[t], (h * width) + plain, t);
            }
        }

        return Linear(self + "o_proj", _c.Hidden, heads * value, PlainAttention.Attend(q, k, v, heads, heads, _rope.SoftmaxFactor / Math.Sqrt(width)), bias);
    }

    private int Window(int layer)
    {
        int size = _c.Int("sliding_window");
        string? type = _c.Array("layer_types")?[layer]?.GetValue<string>();
        switch (_c.Architecture)
        {
            case "MistralForCausalLM" or "MixtralForCausalLM" or "Phi3ForCausalLM":
                return size;
            case "Qwen3MoeForCausalLM" when type is null:
                return _c.Flag("use_sliding_window") ? size : 0;
            case "Qwen2ForCausalLM" or "Qwen3ForCausalLM" or "Qwen3MoeForCausalLM" or "Dots1ForCausalLM":
                bool used = _c.Flag("use_sliding_window", _c.Architecture == "Dots1ForCausalLM");
                return used && (type is null ? layer >= _c.Int("max_window_layers", _c.Layers) : type == "sliding_attention") ? size : 0;
            case "GptOssForCausalLM":
                return (type is null ? layer % 2 == 0 : type == "sliding_attention") ? size : 0;
            case "Gemma3ForCausalLM":
                return (type is null ? (layer + 1) % _c.Int("sliding_window_pattern", 6) != 0 : type == "sliding_attention") ? size : 0;
            default:
                return 0;
        }
    }
}
