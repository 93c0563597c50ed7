using System.Collections.Immutable;
using Moesaic.Interop;
using Moesaic.Models.Configurations;
using Moesaic.Models.Decoder;

namespace Moesaic.Models.Families;

/// <summary>
/// GPT-OSS: biases everywhere, a sink logit per query head, windowed and full layers by turns, YaRN whose blend is not rounded
/// to whole frequencies, and mixtures of experts with a clamped gate, chosen by the softmax of the chosen logits.
/// </summary>
internal sealed class GptOss : IModelFamily
{
    // The family's own constants, in configurations that do not state them.
    private const double DefaultAlpha = 1.702;
    private const double DefaultLimit = 7;
    private const int DefaultWindow = 128;
    private const int DefaultExpertsPerToken = 4;
    private const double DefaultTheta = 150000;

    private static readonly TensorNames s_names = TensorNames.HuggingFace with { Router = "mlp.router" };

    private static readonly TensorNames s_ggufNames = TensorNames.Gguf with { FeedForwardNorm = "post_attention_norm" };

    private static readonly GgufRopeRules s_ropeRules = new(Truncate: false);

    public string Name => "GPT-OSS";

    public ImmutableArray<string> Architectures => ["GptOssForCausalLM"];

    public ImmutableArray<string> ModelTypes => ["gpt_oss"];

    public ImmutableArray<string> GgufArchitectures => ["gpt-oss"];

    public GgufScheme? GgufScheme { get; } = new("gpt-oss") { Names = s_ggufNames, Rope = s_ropeRules, HasWindow = true, ExpertKeys = ["expert_feed_forward_length"] };

    public bool Answers(GgufInput input) => GgufArchitectures.Contains(input.Architecture);

    public DecoderDescription Describe(HuggingFaceInput input)
    {
        JsonConfig s = input.Config;
        DecoderShape shape = DecoderShape.FromHuggingFace(input) with { Activation = FeedForwardActivation.ClampedSilu };
        if (!s.Has("head_dim"))
        {
            // The family's own default, which is not hidden / heads.
            shape = shape with { HeadWidth = 64 };
        }

        // Also the name of the gate's activation in the vendor's configurations; the clamped form is the family's own.
        s.RequireString("hidden_act", "silu");
        int numExperts = s.GetInt32InRange("num_local_experts", 1, Limits.Experts, s.GetInt32InRange("num_experts", 1, Limits.Experts, 128));
        int topK = s.GetInt32InRange("num_experts_per_tok", 1, numExperts, Math.Min(DefaultExpertsPerToken, numExperts));
        s.RequireNumber("experts_per_token", topK);
        s.RequireNumber("num_experts", numExperts);
        bool bias = s.GetBoolean("attention_bias", true);
        Plan plan = new(new LayerParts(shape, s_names, input.HasTensor))
        {
            NumExperts = numExperts,
            TopK = topK,
            Alpha = Positive(s, "swiglu_alpha", DefaultAlpha),
            Limit = Positive(s, "swiglu_limit", DefaultLimit),
            Windows = Windows(s, shape.Layers),
            AttentionBias = bias,
            Experts = layer => HuggingFaceExperts(shape, $"model.layers.{layer}.mlp.experts.", numExperts),
        };

        // Kept from the configuration's first form; original_max_position_embeddings inside rope_scaling says the same.
        s.Ignore("initial_context_length");
        RopeDescription rope = PreNormDecoder.Rope(input, shape, DefaultTheta);
        input.RequireAllRead();
        return plan.Build(Name, rope);
    }

    public DecoderDescription Describe(GgufInput input)
    {
        GgufConfig s = input.Config;
        int width = s.GetInt32InRange("expert_feed_forward_length", 1, Limits.Intermediate);
        DecoderShape shape = DecoderShape.FromGguf(input) with { Activation = FeedForwardActivation.ClampedSilu, Intermediate = width };
        int numExperts = s.GetInt32InRange("expert_count", 1, Limits.Experts);
        int topK = s.GetInt32InRange("expert_used_count", 1, numExperts);
        int window = s.GetInt32InRange("attention.sliding_window", 1, Limits.Context, DefaultWindow);
        s.RequireNumber("expert_gating_func", 3);
        s.RequireNumber("expert_weights_scale", 0, 1);
        s.RequireNumber("attention.sliding_window_pattern", 2);
        LayerParts parts = new(shape, s_ggufNames, input.HasTensor);
        Plan plan = new(parts)
        {
            NumExperts = numExperts,
            TopK = topK,

            // The format has no keys for these.
            Alpha = (float)DefaultAlpha,
            Limit = (float)DefaultLimit,
            Windows = layer => layer % 2 == 0 ? window : 0,
            AttentionBias = input.HasTensor("blk.0.attn_q.bias"),
            Experts = layer => GgufExperts(parts.Prefix(layer), shape, numExperts),
        };
        RopeDescription rope = PreNormDecoder.Rope(input, shape, RopePairing.HalfSplit, s_ropeRules);
        input.RequireAllRead();
        return plan.Build(Name, rope);
    }

    // Even layers have the window where layer_types is absent.
    private static Func<int, int> Windows(JsonConfig s, int numLayers)
    {
        int window = s.GetInt32InRange("sliding_window", 1, Limits.Context, DefaultWindow);
        string[]? types = LayerWindows.Types(s, numLayers);
        return layer => (types is null ? layer % 2 == 0 : types[layer] == LayerWindows.Sliding) ? window : 0;
    }

    private static float Positive(JsonConfig s, string key, double absent) => s.Has(key) ? (float)s.GetPositive(key) : (float)absent;

    // Rows of gate and up alternate, and input features come first (quantised forms hold the rows of a linear map all the same).
    private static Stacks HuggingFaceExperts(DecoderShape shape, string prefix, int numExperts)
    {
        string gateUp = prefix + "gate_up_proj", down = prefix + "down_proj";
        long width = shape.Intermediate;
        VectorSource Bias(int first) => VectorSource.Stacked(gateUp + "_bias", numExperts, 2 * width, first, 2);
        VectorSource downBias = VectorSource.Stacked(down + "_bias", numExperts, shape.Hidden);
        return new(
            MatrixSource.StackedTransposed(gateUp, numExperts, 2 * width, shape.Hidden, 0, 2, width),
            MatrixSource.StackedTransposed(gateUp, numExperts, 2 * width, shape.Hidden, 1, 2, width),
            MatrixSource.StackedTransposed(down, numExperts, shape.Hidden, width, 0, 1, shape.Hidden),
            Bias(0),
            Bias(1),
            downBias);
    }

    private static Stacks GgufExperts(string prefix, DecoderShape shape, int numExperts) => new(
        MatrixSource.Stacked(prefix + "ffn_gate_exps.weight", numExperts, shape.Intermediate, shape.Hidden),
        MatrixSource.Stacked(prefix + "ffn_up_exps.weight", numExperts, shape.Intermediate, shape.Hidden),
        MatrixSource.Stacked(prefix + "ffn_down_exps.weight", numExperts, shape.Hidden, shape.Intermediate),
        VectorSource.Stacked(prefix + "ffn_gate_exps.bias", numExperts, shape.Intermediate),
        VectorSource.Stacked(prefix + "ffn_up_exps.bias", numExperts, shape.Intermediate),
        VectorSource.Stacked(prefix + "ffn_down_exps.bias", numExperts, shape.Hidden));

    /// <summary>The experts' matrices and biases of a layer.</summary>
    private sealed record Stacks(MatrixSource Gate, MatrixSource Up, MatrixSource Down, VectorSource GateBias, VectorSource UpBias, VectorSource DownBias);

    private sealed class Plan(LayerParts parts)
    {
        public required int NumExperts { get; init; }

        public required int TopK { get; init; }

        public required float Alpha { get; init; }

        public required float Limit { get; init; }

        /// <summary>The window of each layer; 0: none.</summary>
        public required Func<int, int> Windows { get; init; }

        public required bool AttentionBias { get; init; }

        public required Func<int, Stacks> Experts { get; init; }

        public DecoderDescription Build(string family, RopeDescription rope) => PreNormDecoder.Build(family, parts, rope, Layer);

        private LayerDescription Layer(int layer)
        {
            Stacks experts = Experts(layer);
            return new LayerDescription
            {
                AttentionNorm = parts.Norm(layer, parts.Names.AttentionNorm),
                Attention = parts.Attention(layer, AttentionBias, AttentionBias, window: Windows(layer)) with
                {
                    Sinks = VectorSource.Whole(parts.Prefix(layer) + parts.Names.Sinks, parts.Shape.Heads),
                },
                FeedForwardNorm = parts.Norm(layer, parts.Names.FeedForwardNorm),
                FeedForward = new MoeDescription
                {
                    Activation = parts.Shape.Activation,
                    ActivationAlpha = Alpha,
                    ActivationLimit = Limit,
                    Router = new RouterDescription
                    {
                        Weight = parts.RouterWeight(layer, NumExperts),
                        Bias = VectorSource.Whole($"{parts.Prefix(layer)}{parts.Names.Router}.bias", NumExperts),
                        Score = RouterScore.SoftmaxOfChosen,
                        TopK = TopK,
                        Normalise = false,
                    },
                    Gate = experts.Gate,
                    Up = experts.Up,
                    Down = experts.Down,
                    GateBias = experts.GateBias,
                    UpBias = experts.UpBias,
                    DownBias = experts.DownBias,
                },
            };
        }
    }
}
