using System.Collections.Immutable;
using Moesaic.Interop;
using Moesaic.Models.Configurations;
using Moesaic.Models.Decoder;

namespace Moesaic.Models.Families;

/// <summary>
/// DeepSeek-V2 and V2-Lite, and DeepSeek-V3 with R1 and Kimi-K2: multi-head latent attention, dense first layers, then mixtures
/// of experts with shared ones. V2 scores by softmax and keeps the groups with the largest expert; V3 scores by sigmoid, chooses
/// with a bias among the groups whose best two sum up highest, and may have multi-token-prediction layers.
/// </summary>
internal sealed class DeepSeek : IModelFamily
{
    // The published code adds this to the sum that it divides by.
    private const float NormalisationEpsilon = 1e-20f;

    // What expert_gating_func says in GGUF files; absent in those of V2.
    private const int GatingSoftmax = 1;
    private const int GatingSigmoid = 2;

    private static readonly TensorNames s_names = TensorNames.HuggingFace with { MtpOutputNorm = "shared_head.norm" };
    private static readonly TensorNames s_ggufNames = TensorNames.Gguf with { MtpOutputNorm = "nextn.shared_head_norm" };

    // Both generations have one architecture, told apart by the gating function.
    private static readonly GgufScheme s_scheme = new("deepseek2")
    {
        Names = s_ggufNames,
        Pairing = RopePairing.Interleaved,
        Rope = new GgufRopeRules(YarnLogMultiplierUnit: 0.1),
        ExpertKeys =
        [
            "expert_feed_forward_length", "expert_shared_feed_forward_length", "expert_shared_count", "expert_gating_func", "expert_weights_scale",
            "expert_weights_norm", "expert_group_count", "expert_group_used_count", "leading_dense_block_count", "nextn_predict_layers",
        ],
    };

    private readonly bool _isV3;

    private DeepSeek(bool isV3) => _isV3 = isV3;

    public static DeepSeek V2 { get; } = new(isV3: false);

    public static DeepSeek V3 { get; } = new(isV3: true);

    public string Name => _isV3 ? "DeepSeek-V3" : "DeepSeek-V2";

    public ImmutableArray<string> Architectures => _isV3 ? ["DeepseekV3ForCausalLM"] : ["DeepseekV2ForCausalLM"];

    public ImmutableArray<string> ModelTypes => _isV3 ? ["deepseek_v3", "kimi_k2"] : ["deepseek_v2"];

    public ImmutableArray<string> GgufArchitectures => [s_scheme.Architecture];

    public GgufScheme? GgufScheme => s_scheme;

    public bool Answers(GgufInput input) =>
        input.Architecture == s_scheme.Architecture && (input.Config.GetInt32("expert_gating_func", GatingSoftmax) == GatingSigmoid) == _isV3;

    public DecoderDescription Describe(HuggingFaceInput input)
    {
        JsonConfig s = input.Config;
        LatentShape latent = LatentShape.FromHuggingFace(s);
        DecoderShape shape = DecoderShape.FromHuggingFace(input, headWidth: latent.QueryWidth);
        s.RequireBoolean("mlp_bias", false);

        // Matter to training and to runs over several devices alone.
        s.Ignore("ep_size", "aux_loss_alpha", "seq_aux", "pretraining_tp", "output_router_logits", "router_aux_loss_coef");
        LayerParts parts = new(shape, s_names, input.HasTensor);
        bool interleaved = !_isV3 || s.GetBoolean("rope_interleave", true);
        (RopeDescription rope, float softmaxFactor) = LatentParts.Rope(
            HuggingFaceRope.Read(s), latent, shape, s, interleaved ? RopePairing.Interleaved : RopePairing.HalfSplit);
        Plan plan = new(parts, latent, input.HasTensor)
        {
            SoftmaxFactor = softmaxFactor,
            Bias = s.GetBoolean("attention_bias", false),
            DenseLayers = s.GetInt32InRange("first_k_dense_replace", 0, Limits.Layers, 0),
            MoeStep = s.GetInt32InRange("moe_layer_freq", 1, Limits.Layers, 1),
            Moe = IsDense(s) ? null : ReadMoe(s),
        };
        int numMtp = s.GetInt32InRange("num_nextn_predict_layers", 0, Limits.Layers, 0);
        input.RequireAllRead();
        return Build(plan, rope, shape.Layers, numMtp);
    }

    public DecoderDescription Describe(GgufInput input)
    {
        GgufConfig s = input.Config;
        LatentShape latent = LatentShape.FromGguf(s);
        DecoderShape shape = DecoderShape.FromGguf(input, headWidth: latent.QueryWidth);
        int numBlocks = shape.Layers;
        int numMtp = s.GetInt32InRange("nextn_predict_layers", 0, numBlocks - 1, 0);
        shape = shape with { Layers = numBlocks - numMtp };
        s.RequireNumber("expert_gating_func", _isV3 ? GatingSigmoid : GatingSoftmax);
        LayerParts parts = new(shape, s_ggufNames, input.HasTensor);
        (RopeDescription rope, float softmaxFactor) = LatentParts.Rope(
            GgufRope.Read(s, input.Checkpoint, s_scheme.Rope), latent, shape, s, s_scheme.Pairing,
            GgufRope.ReadDivisors(input.Checkpoint, latent.RotatedWidth / 2) ?? []);
        Plan plan = new(parts, latent, input.HasTensor)
        {
            SoftmaxFactor = softmaxFactor,
            Bias = input.HasTensor("blk.0.attn_output.bias"),
            DenseLayers = s.GetInt32InRange("leading_dense_block_count", 0, Limits.Layers, 0),
            Moe = ReadMoe(s, input.HasTensor(parts.Prefix(shape.Layers - 1) + parts.Names.SelectionBias)),
        };
        input.RequireAllRead();
        return Build(plan, rope, numBlocks, numMtp);
    }

    // A null that is written out says that no layer has experts; where the key is absent, the published code and transformers
    // have different numbers in mind.
    private static bool IsDense(JsonConfig s)
    {
        bool dense = s.IsNull("n_routed_experts") && !s.Has("num_local_experts");
        if (dense)
        {
            s.Ignore(
                "num_experts_per_tok", "moe_intermediate_size", "n_shared_experts", "moe_shared_expert_intermediate_size", "scoring_func", "topk_method", "norm_topk_prob", "n_group",
                "topk_group", "routed_scaling_factor");
        }

        return dense;
    }

    private MoeSettings ReadMoe(JsonConfig s)
    {
        int numExperts = s.GetInt32InRange(s.Spelling("n_routed_experts", "num_local_experts"), 1, Limits.Experts);
        int topK = s.GetInt32InRange("num_experts_per_tok", 1, numExperts);
        int width = s.GetInt32InRange("moe_intermediate_size", 1, Limits.Intermediate);
        int numShared = s.GetInt32InRange("n_shared_experts", 0, Limits.Experts, 0);
        s.RequireString("scoring_func", _isV3 ? "sigmoid" : "softmax");
        bool grouped = true;
        bool normalise;
        if (_isV3)
        {
            s.RequireString("topk_method", "noaux_tc");
            normalise = s.GetBoolean("norm_topk_prob", true);
        }
        else
        {
            s.RequireString("topk_method", "greedy", "group_limited_greedy");
            grouped = s.GetString("topk_method", "greedy") == "group_limited_greedy";

            // Three meanings are about: the published code leaves the scaling factor out when it normalises, transformers does not
            // normalise at all, others do both. No published checkpoint says true.
            s.RequireBoolean("norm_topk_prob", false);
            normalise = false;
        }

        if (!grouped)
        {
            s.Ignore("n_group", "topk_group");
        }

        return Router() with
        {
            NumExperts = numExperts,
            TopK = topK,
            ExpertWidth = width,
            SharedWidth = MoeSettings.ReadSharedWidth(s, "moe_shared_expert_intermediate_size", numShared, width, perExpert: true),
            HasSelectionBias = _isV3,
            Groups = grouped ? MoeSettings.ReadGroups(s, "n_group", "topk_group", numExperts, topK) : (1, 1),
            Normalise = normalise,
            Scale = (float)s.GetDouble("routed_scaling_factor", 1),
        };
    }

    private MoeSettings ReadMoe(GgufConfig s, bool hasSelectionBias)
    {
        int numExperts = s.GetInt32InRange("expert_count", 1, Limits.Experts);
        int topK = s.GetInt32InRange("expert_used_count", 1, numExperts);
        int width = s.GetInt32InRange("expert_feed_forward_length", 1, Limits.Intermediate);
        int numShared = s.GetInt32InRange("expert_shared_count", 0, Limits.Experts, 0);
        bool normalise = s.GetBoolean("expert_weights_norm", false);
        if (normalise && !_isV3)
        {
            throw s.Error("expert_weights_norm", "the value true is not supported for DeepSeek-V2; expected false.");
        }

        return Router() with
        {
            NumExperts = numExperts,
            TopK = topK,
            ExpertWidth = width,
            SharedWidth = MoeSettings.ReadSharedWidth(s, "expert_shared_feed_forward_length", numShared, width, perExpert: false),
            HasSelectionBias = hasSelectionBias,
            Groups = MoeSettings.ReadGroups(s, "expert_group_count", "expert_group_used_count", numExperts, topK),
            Normalise = normalise,
            Scale = (float)s.GetDouble("expert_weights_scale", 1),
        };
    }

    private MoeSettings Router() => new()
    {
        NumExperts = 0,
        TopK = 0,
        ExpertWidth = 0,
        Score = _isV3 ? RouterScore.Sigmoid : RouterScore.Softmax,
        GroupRule = _isV3 ? RouterGroupRule.Top2Sum : RouterGroupRule.Max,
        Normalise = false,
        NormEpsilon = NormalisationEpsilon,
    };

    private DecoderDescription Build(Plan plan, RopeDescription rope, int numBlocks, int numMtp)
    {
        LayerParts parts = plan.Parts;
        int numLayers = parts.Shape.Layers;
        bool usable = numMtp > 0 && plan.HasTensor($"{parts.Prefix(numLayers)}{parts.Names.MtpProjection}.weight");
        DecoderDescription decoder = PreNormDecoder.Build(Name, parts, rope, plan.Layer);
        return decoder with
        {
            MtpLayers = usable ? [.. Enumerable.Range(numLayers, numMtp).Select(plan.Mtp)] : [],
            Ignorable = decoder.Ignorable.AddRange(parts.UnusedMtp(Math.Max(numMtp, numBlocks - numLayers))),
        };
    }

    private sealed class Plan(LayerParts parts, LatentShape latent, Func<string, bool> hasTensor)
    {
        public LayerParts Parts { get; } = parts;

        public Func<string, bool> HasTensor { get; } = hasTensor;

        public required float SoftmaxFactor { get; init; }

        public required bool Bias { get; init; }

        public required int DenseLayers { get; init; }

        /// <summary>Layers whose number this divides have experts, after the dense ones.</summary>
        public int MoeStep { get; init; } = 1;

        /// <summary>Null: no layer has experts.</summary>
        public required MoeSettings? Moe { get; init; }

        public LayerDescription Layer(int layer) => new()
        {
            AttentionNorm = Parts.Norm(layer, Parts.Names.AttentionNorm),
            Attention = Parts.LatentAttention(layer, latent, SoftmaxFactor, Bias, HasTensor),
            FeedForwardNorm = Parts.Norm(layer, Parts.Names.FeedForwardNorm),
            FeedForward = Moe is { } moe && layer >= DenseLayers && layer % MoeStep == 0 ? moe.Describe(Parts, layer) : Parts.Mlp(layer),
        };

        public MtpDescription Mtp(int layer)
        {
            DecoderShape shape = Parts.Shape;
            string embedding = $"{Parts.Prefix(layer)}{Parts.Names.MtpEmbedding}.weight";
            string head = $"{Parts.Prefix(layer)}{Parts.Names.MtpOutputHead}.weight";
            return new MtpDescription
            {
                EmbeddingNorm = Parts.Norm(layer, Parts.Names.MtpEmbeddingNorm),
                HiddenNorm = Parts.Norm(layer, Parts.Names.MtpHiddenNorm),
                Projection = Parts.Projection(layer, Parts.Names.MtpProjection, shape.Hidden, 2L * shape.Hidden),
                Layer = Layer(layer),
                OutputNorm = Parts.Norm(layer, Parts.Names.MtpOutputNorm),
                Embedding = HasTensor(embedding) ? MatrixSource.Whole(embedding, shape.Vocabulary, shape.Hidden) : null,
                OutputHead = HasTensor(head) ? new ProjectionDescription(MatrixSource.Whole(head, shape.Vocabulary, shape.Hidden)) : null,
            };
        }
    }
}
