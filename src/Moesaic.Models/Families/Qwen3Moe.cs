using System.Collections.Immutable;
using Moesaic.Interop;
using Moesaic.Models.Configurations;
using Moesaic.Models.Decoder;

namespace Moesaic.Models.Families;

/// <summary>
/// Qwen3 with experts: Qwen3's attention, and in chosen layers a mixture of experts whose router takes a softmax over all
/// experts and renormalises the chosen weights if told to.
/// </summary>
internal sealed class Qwen3Moe : IModelFamily
{
    public string Name => "Qwen3-MoE";

    public ImmutableArray<string> Architectures => ["Qwen3MoeForCausalLM"];

    public ImmutableArray<string> ModelTypes => ["qwen3_moe"];

    public ImmutableArray<string> GgufArchitectures => ["qwen3moe"];

    public GgufScheme? GgufScheme { get; } = new("qwen3moe") { ExpertKeys = ["expert_feed_forward_length", "expert_weights_norm"] };

    public bool Answers(GgufInput input) => input.Architecture == "qwen3moe";

    public DecoderDescription Describe(HuggingFaceInput input)
    {
        JsonConfig s = input.Config;
        DecoderShape shape = DecoderShape.FromHuggingFace(input);
        int numExperts = s.GetInt32InRange(s.Spelling("num_experts", "num_local_experts"), 0, Limits.Experts);
        int topK = s.GetInt32InRange("num_experts_per_tok", 1, numExperts > 0 ? numExperts : Limits.Experts);
        MoeSettings experts = MoeSettings.OfSoftmax(numExperts, topK, s.GetInt32InRange("moe_intermediate_size", 1, Limits.Intermediate), s.GetBoolean("norm_topk_prob", false));
        int step = s.GetInt32InRange("decoder_sparse_step", 1, Limits.Layers, 1);
        HashSet<int> dense = s.TryGetInt32Array("mlp_only_layers", out int[]? layers) ? [.. layers] : [];
        foreach (int layer in dense)
        {
            if (layer < 0 || layer >= shape.Layers)
            {
                throw s.Error("mlp_only_layers", $"it names layer {layer}; the model has 0 to {shape.Layers - 1}.");
            }
        }

        bool bias = s.GetBoolean("attention_bias", false);
        Func<int, int> window = Window(s, shape.Layers);
        RopeDescription rope = PreNormDecoder.Rope(input, shape);
        input.RequireAllRead();
        return Build(
            new LayerParts(shape, TensorNames.HuggingFace, input.HasTensor),
            rope,
            layer => numExperts > 0 && (layer + 1) % step == 0 && !dense.Contains(layer) ? experts : null,
            bias,
            bias,
            window);
    }

    public DecoderDescription Describe(GgufInput input)
    {
        GgufConfig s = input.Config;
        DecoderShape shape = DecoderShape.FromGguf(input);
        int numExperts = s.GetInt32InRange("expert_count", 1, Limits.Experts);
        int topK = s.GetInt32InRange("expert_used_count", 1, numExperts);
        s.RequireNumber("expert_gating_func", 1);
        s.RequireNumber("expert_weights_scale", 0, 1);

        // Converters write no key for renormalisation: released models have it. Older ones leave the experts' width out too.
        MoeSettings experts = MoeSettings.OfSoftmax(
            numExperts,
            topK,
            s.TryGetInt32InRange("expert_feed_forward_length", 1, Limits.Intermediate) ?? Math.Max(1, shape.Intermediate / topK),
            s.GetBoolean("expert_weights_norm", true));
        LayerParts parts = new(shape, TensorNames.Gguf, input.HasTensor);
        RopeDescription rope = PreNormDecoder.Rope(input, shape, RopePairing.HalfSplit);
        bool inputBias = input.HasTensor("blk.0.attn_q.bias");
        bool outputBias = input.HasTensor("blk.0.attn_output.bias");
        input.RequireAllRead();

        // Which layers are dense is told by their tensors alone.
        return Build(
            parts,
            rope,
            layer => input.HasTensor(parts.Prefix(layer) + parts.Names.Gate + ".weight") && !input.HasTensor(parts.Prefix(layer) + parts.Names.Router + ".weight") ? null : experts,
            inputBias,
            outputBias,
            static _ => 0);
    }

    // Unlike dense Qwen3, the family's code gives every layer the window and does not look at max_window_layers.
    private static Func<int, int> Window(JsonConfig config, int numLayers)
    {
        if (config.Has("layer_types"))
        {
            return LayerWindows.Read(config, numLayers);
        }

        int? window = config.TryGetInt32InRange("sliding_window", 1, Limits.Context);
        int size = config.GetBoolean("use_sliding_window", false) ? window ?? 0 : 0;
        config.Ignore("max_window_layers", "sliding_window");
        return _ => size;
    }

    private DecoderDescription Build(LayerParts parts, RopeDescription rope, Func<int, MoeSettings?> experts, bool inputBias, bool outputBias, Func<int, int> window) =>
        PreNormDecoder.Build(Name, parts, rope, layer => new LayerDescription
        {
            AttentionNorm = parts.Norm(layer, parts.Names.AttentionNorm),
            Attention = parts.Attention(layer, inputBias, outputBias, headNorms: true, window: window(layer)),
            FeedForwardNorm = parts.Norm(layer, parts.Names.FeedForwardNorm),
            FeedForward = experts(layer)?.Describe(parts, layer) ?? (FeedForwardDescription)parts.Mlp(layer),
        });
}
