using System.Collections.Immutable;
using Moesaic.Interop;
using Moesaic.Models.Configurations;
using Moesaic.Models.Decoder;

namespace Moesaic.Models.Families;

/// <summary>
/// OLMoE: query and key are each normalised as one vector over all heads before they are split and rotated; experts in every
/// layer, softmax over all of them, the chosen weights as they are unless told to renormalise.
/// </summary>
internal sealed class OlMoe : IModelFamily
{
    public string Name => "OLMoE";

    public ImmutableArray<string> Architectures => ["OlmoeForCausalLM"];

    public ImmutableArray<string> ModelTypes => ["olmoe"];

    public ImmutableArray<string> GgufArchitectures => ["olmoe"];

    public GgufScheme? GgufScheme { get; } = new("olmoe") { ExpertKeys = ["expert_feed_forward_length", "expert_weights_norm"] };

    public bool Answers(GgufInput input) => input.Architecture == "olmoe";

    public DecoderDescription Describe(HuggingFaceInput input)
    {
        JsonConfig s = input.Config;
        DecoderShape shape = DecoderShape.FromHuggingFace(input);
        int numExperts = s.GetInt32InRange(s.Spelling("num_experts", "num_local_experts"), 1, Limits.Experts);
        int topK = s.GetInt32InRange("num_experts_per_tok", 1, numExperts);
        bool normalise = s.GetBoolean("norm_topk_prob", false);
        bool bias = s.GetBoolean("attention_bias", false);
        RopeDescription rope = PreNormDecoder.Rope(input, shape);
        input.RequireAllRead();
        return Build(new LayerParts(shape, TensorNames.HuggingFace, input.HasTensor), rope, MoeSettings.OfSoftmax(numExperts, topK, shape.Intermediate, normalise), bias);
    }

    public DecoderDescription Describe(GgufInput input)
    {
        GgufConfig s = input.Config;
        DecoderShape shape = DecoderShape.FromGguf(input);
        int numExperts = s.GetInt32InRange("expert_count", 1, Limits.Experts);
        int topK = s.GetInt32InRange("expert_used_count", 1, numExperts);
        s.RequireNumber("expert_gating_func", 1);
        s.RequireNumber("expert_weights_scale", 0, 1);
        int width = s.TryGetInt32InRange("expert_feed_forward_length", 1, Limits.Intermediate) ?? shape.Intermediate;
        bool normalise = s.GetBoolean("expert_weights_norm", false);
        RopeDescription rope = PreNormDecoder.Rope(input, shape, RopePairing.HalfSplit);
        bool bias = input.HasTensor("blk.0.attn_q.bias");
        input.RequireAllRead();
        return Build(new LayerParts(shape, TensorNames.Gguf, input.HasTensor), rope, MoeSettings.OfSoftmax(numExperts, topK, width, normalise), bias);
    }

    private DecoderDescription Build(LayerParts parts, RopeDescription rope, MoeSettings experts, bool bias) =>
        PreNormDecoder.Build(Name, parts, rope, layer => new LayerDescription
        {
            AttentionNorm = parts.Norm(layer, parts.Names.AttentionNorm),
            Attention = parts.Attention(layer, bias, bias) with
            {
                QueryNorm = VectorNorm(parts, layer, parts.Names.QueryNorm, parts.Shape.Heads),
                KeyNorm = VectorNorm(parts, layer, parts.Names.KeyNorm, parts.Shape.KeyValueHeads),
            },
            FeedForwardNorm = parts.Norm(layer, parts.Names.FeedForwardNorm),
            FeedForward = experts.Describe(parts, layer),
        });

    private static NormDescription VectorNorm(LayerParts parts, int layer, string name, int heads) =>
        new(VectorSource.Whole($"{parts.Prefix(layer)}{name}.weight", (long)heads * parts.Shape.HeadWidth), parts.Shape.NormEpsilon);
}
