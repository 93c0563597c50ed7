using System.Collections.Immutable;
using Moesaic.Interop;
using Moesaic.Models.Configurations;
using Moesaic.Models.Decoder;

namespace Moesaic.Models.Families;

/// <summary>
/// Ling 2.0 and Ring 2.0 (BailingMoeV2): fused query-key-value, head norms before a partial rotation, dense first layers, then
/// mixtures of experts with a sigmoid router that chooses within the best groups by biased scores, a shared expert, and
/// optional multi-token-prediction layers. Its <c>model_type</c> is that of another architecture, so only
/// <c>architectures</c> decides.
/// </summary>
internal sealed class Ling2 : IModelFamily
{
    // The vendor's code adds this to the sum that it divides by.
    private const float NormalisationEpsilon = 1e-20f;

    private static readonly TensorNames s_names = TensorNames.HuggingFace with
    {
        Embedding = "model.word_embeddings",
        FusedQueryKeyValue = "attention.query_key_value",
        AttentionOutput = "attention.dense",
        QueryNorm = "attention.query_layernorm",
        KeyNorm = "attention.key_layernorm",
        SelectionBias = "mlp.gate.expert_bias",
    };

    public string Name => "Ling 2.0";

    public ImmutableArray<string> Architectures => ["BailingMoeV2ForCausalLM"];

    public ImmutableArray<string> ModelTypes => ["bailing_moe_v2"];

    public ImmutableArray<string> GgufArchitectures => ["bailingmoe2", "bailingmoe-v2"];

    public GgufScheme? GgufScheme { get; } = new("bailingmoe2")
    {
        ExpertKeys =
        [
            "expert_feed_forward_length", "expert_shared_feed_forward_length", "expert_shared_count", "expert_gating_func", "expert_weights_scale",
            "expert_weights_norm", "expert_group_count", "expert_group_used_count", "leading_dense_block_count", "nextn_predict_layers",
        ],
    };

    public bool Answers(GgufInput input) => GgufArchitectures.Contains(input.Architecture);

    public DecoderDescription Describe(HuggingFaceInput input)
    {
        JsonConfig s = input.Config;
        DecoderShape shape = DecoderShape.FromHuggingFace(input);
        s.RequireBoolean("use_rmsnorm", true);
        s.RequireBoolean("norm_head", false);
        s.RequireString("score_function", "sigmoid");
        s.RequireBoolean("use_sliding_window", false);
        s.RequireNumber("moe_layer_freq", 1);

        // The router is always evaluated in float32, and the vendor's code always normalises the weights of several experts.
        s.Ignore("router_dtype", "norm_topk_prob", "max_window_layers");
        int numExperts = s.GetInt32InRange("num_experts", 1, Limits.Experts);
        int width = s.GetInt32InRange("moe_intermediate_size", 1, Limits.Intermediate);
        int numShared = s.GetInt32InRange("num_shared_experts", 0, Limits.Experts, 0);
        int topK = s.GetInt32InRange("num_experts_per_tok", 1, numExperts);
        LayerParts parts = new(shape, s_names, input.HasTensor);
        Plan plan = new(parts)
        {
            DenseLayers = s.GetInt32InRange("first_k_dense_replace", 0, Limits.Layers, 0),
            InputBias = s.GetBoolean("use_qkv_bias", false),
            OutputBias = s.GetBoolean("use_bias", false),
            HeadNorms = s.GetBoolean("use_qk_norm", false),
            Experts = new MoeSettings
            {
                NumExperts = numExperts,
                TopK = topK,
                ExpertWidth = width,
                SharedWidth = MoeSettings.ReadSharedWidth(s, "moe_shared_expert_intermediate_size", numShared, width, perExpert: true),
                Score = RouterScore.Sigmoid,
                HasSelectionBias = s.GetBoolean("moe_router_enable_expert_bias", false) || input.HasTensor(parts.Prefix(shape.Layers - 1) + s_names.SelectionBias),
                Groups = MoeSettings.ReadGroups(s, "n_group", "topk_group", numExperts, topK),
                Scale = (float)s.GetDouble("routed_scaling_factor", 1),
                Normalise = topK > 1,
                NormEpsilon = NormalisationEpsilon,
            },
        };
        int numMtp = s.GetInt32InRange("num_nextn_predict_layers", 0, Limits.Layers, 0);
        RopeDescription rope = PreNormDecoder.Rope(input, shape);
        input.RequireAllRead();
        return Build(plan, rope, shape.Layers, input.HasTensor(parts.Prefix(shape.Layers) + s_names.MtpProjection + ".weight") ? numMtp : 0);
    }

    public DecoderDescription Describe(GgufInput input)
    {
        GgufConfig s = input.Config;
        DecoderShape shape = DecoderShape.FromGguf(input);
        int numBlocks = shape.Layers;
        int numMtp = s.GetInt32InRange("nextn_predict_layers", 0, numBlocks - 1, 0);
        shape = shape with { Layers = numBlocks - numMtp };
        s.RequireNumber("expert_gating_func", 2);
        int numExperts = s.GetInt32InRange("expert_count", 1, Limits.Experts);
        int width = s.GetInt32InRange("expert_feed_forward_length", 1, Limits.Intermediate);
        int numShared = s.GetInt32InRange("expert_shared_count", 0, Limits.Experts, 0);
        int topK = s.GetInt32InRange("expert_used_count", 1, numExperts);
        LayerParts parts = new(shape, TensorNames.Gguf, input.HasTensor);
        string lastLayer = parts.Prefix(shape.Layers - 1);
        Plan plan = new(parts)
        {
            DenseLayers = s.GetInt32InRange("leading_dense_block_count", 0, Limits.Layers, 0),
            InputBias = input.HasTensor("blk.0.attn_qkv.bias"),
            OutputBias = input.HasTensor("blk.0.attn_output.bias"),
            HeadNorms = input.HasTensor("blk.0.attn_q_norm.weight"),
            Experts = new MoeSettings
            {
                NumExperts = numExperts,
                TopK = topK,
                ExpertWidth = width,
                SharedWidth = MoeSettings.ReadSharedWidth(s, "expert_shared_feed_forward_length", numShared, width, perExpert: false),
                Score = RouterScore.Sigmoid,
                HasSelectionBias = input.HasTensor(lastLayer + parts.Names.SelectionBias),
                Groups = MoeSettings.ReadGroups(s, "expert_group_count", "expert_group_used_count", numExperts, topK),
                Scale = (float)s.GetDouble("expert_weights_scale", 1),
                Normalise = s.GetBoolean("expert_weights_norm", true),
                NormEpsilon = NormalisationEpsilon,
            },
        };
        RopeDescription rope = PreNormDecoder.Rope(input, shape, RopePairing.HalfSplit);
        input.RequireAllRead();

        // A prediction layer that brings an embedding or head of its own would be another model than the one described here.
        string next = parts.Prefix(shape.Layers);
        bool usable = input.HasTensor(next + "nextn.eh_proj.weight") && !input.HasTensor(next + "nextn.embed_tokens.weight")
            && !input.HasTensor(next + "nextn.shared_head_head.weight") && !input.HasTensor(next + "nextn.shared_head_norm.weight");
        return Build(plan, rope, numBlocks, usable ? numMtp : 0);
    }

    private DecoderDescription Build(Plan plan, RopeDescription rope, int numBlocks, int numMtp)
    {
        LayerParts parts = plan.Parts;
        int numLayers = parts.Shape.Layers;
        ImmutableArray<MtpDescription>.Builder mtp = ImmutableArray.CreateBuilder<MtpDescription>(numMtp);
        for (int layer = numLayers; layer < numLayers + numMtp; layer++)
        {
            mtp.Add(plan.Mtp(layer));
        }

        DecoderDescription decoder = PreNormDecoder.Build(Name, parts, rope, plan.Layer);
        return decoder with
        {
            MtpLayers = mtp.MoveToImmutable(),
            Ignorable = decoder.Ignorable.AddRange(parts.UnusedMtp(numBlocks - numLayers)),
        };
    }

    private sealed class Plan(LayerParts parts)
    {
        public LayerParts Parts { get; } = parts;

        public required int DenseLayers { get; init; }

        public required bool InputBias { get; init; }

        public required bool OutputBias { get; init; }

        public required bool HeadNorms { get; init; }

        public required MoeSettings Experts { get; init; }

        public LayerDescription Layer(int layer) => new()
        {
            AttentionNorm = Parts.Norm(layer, Parts.Names.AttentionNorm),
            Attention = Parts.Attention(layer, InputBias, OutputBias, HeadNorms, fused: true),
            FeedForwardNorm = Parts.Norm(layer, Parts.Names.FeedForwardNorm),
            FeedForward = layer < DenseLayers ? Parts.Mlp(layer) : Experts.Describe(Parts, layer),
        };

        public MtpDescription Mtp(int layer) => new()
        {
            EmbeddingNorm = Parts.Norm(layer, Parts.Names.MtpEmbeddingNorm),
            HiddenNorm = Parts.Norm(layer, Parts.Names.MtpHiddenNorm),
            Projection = Parts.Projection(layer, Parts.Names.MtpProjection, Parts.Shape.Hidden, 2L * Parts.Shape.Hidden),
            Layer = Layer(layer),
            OutputNorm = Parts.Norm(layer, Parts.Names.MtpOutputNorm),
        };
    }
}
