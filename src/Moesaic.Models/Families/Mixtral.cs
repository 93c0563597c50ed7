using System.Collections.Immutable;
using Moesaic.Interop;
using Moesaic.Models.Configurations;
using Moesaic.Models.Decoder;

namespace Moesaic.Models.Families;

/// <summary>
/// Mixtral: Llama's attention with a mixture of experts; softmax over all experts, the chosen weights renormalised. Its GGUF
/// files share the architecture <c>llama</c> and are told apart by their experts.
/// </summary>
internal sealed class Mixtral : IModelFamily
{
    private static readonly TensorNames s_names = TensorNames.HuggingFace with
    {
        Router = "block_sparse_moe.gate",
        ExpertGate = "block_sparse_moe.experts.{0}.w1",
        ExpertUp = "block_sparse_moe.experts.{0}.w3",
        ExpertDown = "block_sparse_moe.experts.{0}.w2",
    };

    public string Name => "Mixtral";

    public ImmutableArray<string> Architectures => ["MixtralForCausalLM"];

    public ImmutableArray<string> ModelTypes => ["mixtral"];

    public ImmutableArray<string> GgufArchitectures => ["llama"];

    public GgufScheme? GgufScheme { get; } = new("llama") { Pairing = RopePairing.Interleaved, HasWindow = true };

    public bool Answers(GgufInput input) => input.Architecture == "llama" && input.Config.GetInt32InRange("expert_count", 0, Limits.Experts, 0) > 0;

    public DecoderDescription Describe(HuggingFaceInput input)
    {
        JsonConfig s = input.Config;
        DecoderShape shape = DecoderShape.FromHuggingFace(input);
        int window = s.TryGetInt32InRange("sliding_window", 1, Limits.Context) ?? 0;
        int numExperts = s.GetInt32InRange("num_local_experts", 1, Limits.Experts, 8);
        int topK = s.GetInt32InRange("num_experts_per_tok", 1, numExperts, Math.Min(2, numExperts));

        // Checkpoints saved with stacked experts name the block like every other family's.
        TensorNames names = input.HasTensor("model.layers.0." + TensorNames.HuggingFace.StackedGateUp) ? TensorNames.HuggingFace : s_names;
        RopeDescription rope = PreNormDecoder.Rope(input, shape);
        input.RequireAllRead();
        return Build(new LayerParts(shape, names, input.HasTensor), rope, numExperts, topK, window);
    }

    public DecoderDescription Describe(GgufInput input)
    {
        GgufConfig s = input.Config;
        DecoderShape shape = DecoderShape.FromGguf(input);
        int window = s.TryGetInt32InRange("attention.sliding_window", 0, Limits.Context) ?? 0;
        int numExperts = s.GetInt32InRange("expert_count", 1, Limits.Experts);
        int topK = s.GetInt32InRange("expert_used_count", 1, numExperts);
        s.RequireNumber("expert_gating_func", 1);
        s.RequireBoolean("expert_weights_norm", true);
        s.RequireNumber("expert_weights_scale", 0, 1);
        s.RequireNumber("expert_feed_forward_length", shape.Intermediate);
        RopeDescription rope = PreNormDecoder.Rope(input, shape, RopePairing.Interleaved);
        input.RequireAllRead();
        return Build(new LayerParts(shape, TensorNames.Gguf, input.HasTensor), rope, numExperts, topK, window);
    }

    private DecoderDescription Build(LayerParts parts, RopeDescription rope, int numExperts, int topK, int window) =>
        PreNormDecoder.Build(Name, parts, rope, layer => new LayerDescription
        {
            AttentionNorm = parts.Norm(layer, parts.Names.AttentionNorm),
            Attention = parts.Attention(layer, window: window),
            FeedForwardNorm = parts.Norm(layer, parts.Names.FeedForwardNorm),
            FeedForward = parts.Moe(layer, Router(parts, layer, numExperts, topK), numExperts, parts.Shape.Intermediate),
        });

    private static RouterDescription Router(LayerParts parts, int layer, int numExperts, int topK) => new()
    {
        Weight = parts.RouterWeight(layer, numExperts),
        Score = RouterScore.Softmax,
        TopK = topK,
        Normalise = true,
    };
}
