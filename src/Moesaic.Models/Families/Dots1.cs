using System.Collections.Immutable;
using Moesaic.Interop;
using Moesaic.Models.Configurations;
using Moesaic.Models.Decoder;

namespace Moesaic.Models.Families;

/// <summary>
/// dots.llm1: head norms before a full rotation, dense first layers, then mixtures of experts with a sigmoid router that
/// chooses by biased scores, and shared experts.
/// </summary>
internal sealed class Dots1 : IModelFamily
{
    // The family's code adds this to the sum that it divides by.
    private const float NormalisationEpsilon = 1e-20f;

    public string Name => "dots.llm1";

    public ImmutableArray<string> Architectures => ["Dots1ForCausalLM"];

    public ImmutableArray<string> ModelTypes => ["dots1"];

    public ImmutableArray<string> GgufArchitectures => ["dots1"];

    public GgufScheme? GgufScheme { get; } = new("dots1")
    {
        ExpertKeys =
        [
            "expert_feed_forward_length", "expert_shared_feed_forward_length", "expert_shared_count", "expert_gating_func", "expert_weights_scale",
            "expert_weights_norm", "expert_group_count", "expert_group_used_count", "leading_dense_block_count",
        ],
    };

    public bool Answers(GgufInput input) => input.Architecture == "dots1";

    public DecoderDescription Describe(HuggingFaceInput input)
    {
        JsonConfig s = input.Config;
        DecoderShape shape = DecoderShape.FromHuggingFace(input);

        // The first release wrote the method's name where the score belongs; it always is a sigmoid.
        s.RequireString("scoring_func", "sigmoid", "noaux_tc");
        s.RequireString("topk_method", "noaux_tc");
        s.RequireNumber("moe_layer_freq", 1);
        int numExperts = s.GetInt32InRange(s.Spelling("n_routed_experts", "num_local_experts"), 1, Limits.Experts);
        int width = s.GetInt32InRange("moe_intermediate_size", 1, Limits.Intermediate);
        int topK = s.GetInt32InRange("num_experts_per_tok", 1, numExperts);
        MoeSettings experts = new()
        {
            NumExperts = numExperts,
            TopK = topK,
            ExpertWidth = width,
            SharedWidth = MoeSettings.ReadSharedWidth(s, "moe_shared_expert_intermediate_size", s.GetInt32InRange("n_shared_experts", 0, Limits.Experts, 0), width, perExpert: true),
            Score = RouterScore.Sigmoid,
            HasSelectionBias = true,
            Groups = MoeSettings.ReadGroups(s, "n_group", "topk_group", numExperts, topK),
            Normalise = s.GetBoolean("norm_topk_prob", false),
            NormEpsilon = NormalisationEpsilon,
            Scale = (float)s.GetDouble("routed_scaling_factor", 1),
        };
        int denseLayers = s.GetInt32InRange("first_k_dense_replace", 0, Limits.Layers, 0);
        bool bias = s.GetBoolean("attention_bias", false);
        Func<int, int> window = LayerWindows.Read(s, shape.Layers, usedByDefault: true);
        RopeDescription rope = PreNormDecoder.Rope(input, shape);
        input.RequireAllRead();
        return Build(new LayerParts(shape, TensorNames.HuggingFace, input.HasTensor), rope, experts, denseLayers, bias, window);
    }

    public DecoderDescription Describe(GgufInput input)
    {
        GgufConfig s = input.Config;
        DecoderShape shape = DecoderShape.FromGguf(input);
        s.RequireNumber("expert_gating_func", 2);
        int numExperts = s.GetInt32InRange("expert_count", 1, Limits.Experts);
        int width = s.GetInt32InRange("expert_feed_forward_length", 1, Limits.Intermediate);
        int topK = s.GetInt32InRange("expert_used_count", 1, numExperts);
        LayerParts parts = new(shape, TensorNames.Gguf, input.HasTensor);
        MoeSettings experts = new()
        {
            NumExperts = numExperts,
            TopK = topK,
            ExpertWidth = width,
            SharedWidth = MoeSettings.ReadSharedWidth(s, "expert_shared_feed_forward_length", s.GetInt32InRange("expert_shared_count", 0, Limits.Experts, 0), width, perExpert: false),
            Score = RouterScore.Sigmoid,
            HasSelectionBias = input.HasTensor(parts.Prefix(shape.Layers - 1) + parts.Names.SelectionBias),
            Groups = MoeSettings.ReadGroups(s, "expert_group_count", "expert_group_used_count", numExperts, topK),
            Normalise = s.GetBoolean("expert_weights_norm", false),
            NormEpsilon = NormalisationEpsilon,
            Scale = (float)s.GetDouble("expert_weights_scale", 1),
        };
        int denseLayers = s.GetInt32InRange("leading_dense_block_count", 0, Limits.Layers, 0);
        RopeDescription rope = PreNormDecoder.Rope(input, shape, RopePairing.HalfSplit);
        bool bias = input.HasTensor("blk.0.attn_q.bias");
        input.RequireAllRead();
        return Build(parts, rope, experts, denseLayers, bias, static _ => 0);
    }

    private DecoderDescription Build(LayerParts parts, RopeDescription rope, MoeSettings experts, int denseLayers, bool bias, Func<int, int> window) =>
        PreNormDecoder.Build(Name, parts, rope, layer => new LayerDescription
        {
            AttentionNorm = parts.Norm(layer, parts.Names.AttentionNorm),
            Attention = parts.Attention(layer, bias, bias, headNorms: true, window: window(layer)),
            FeedForwardNorm = parts.Norm(layer, parts.Names.FeedForwardNorm),
            FeedForward = layer < denseLayers ? parts.Mlp(layer) : experts.Describe(parts, layer),
        });
}
