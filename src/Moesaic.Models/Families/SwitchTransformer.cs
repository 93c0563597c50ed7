using System.Collections.Immutable;
using Moesaic.Interop;
using Moesaic.Models.Configurations;
using Moesaic.Models.Decoder;

namespace Moesaic.Models.Families;

/// <summary>
/// Switch Transformer (Fedus et al. 2021): T5's encoder-decoder, in which some feed-forward blocks are experts. One expert a
/// token, weighed with its softmax score; an expert takes so many tokens of a sequence, and the residual alone passes the
/// others. Feed-forward blocks have no gate, scores of attention no scale, and positions are a bias of the scores that the
/// first layer of each half learns for all.
/// </summary>
internal sealed class SwitchTransformer : IModelFamily
{
    // Relative positions have no end; T5's training had this many.
    private const int TrainedContext = 512;

    public string Name => "Switch Transformer";

    public ImmutableArray<string> Architectures => ["SwitchTransformersForConditionalGeneration"];

    public ImmutableArray<string> ModelTypes => ["switch_transformers"];

    public ImmutableArray<string> GgufArchitectures => [];

    public bool IsEncoderDecoder => true;

    public bool Answers(GgufInput input) => false;

    public DecoderDescription Describe(GgufInput input) => throw new InvalidOperationException("There are no GGUF files of this family.");

    public DecoderDescription Describe(HuggingFaceInput input)
    {
        Settings settings = Settings.Read(input);
        return settings.Describe(Name, input.Architecture, input.HasTensor("lm_head.weight"));
    }

    private sealed record Settings
    {
        private const string EncoderBias = "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight";
        private const string DecoderBias = "decoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight";

        public required int Hidden { get; init; }

        public required int Vocabulary { get; init; }

        public required int Context { get; init; }

        public required int Heads { get; init; }

        public required int HeadWidth { get; init; }

        public required int Width { get; init; }

        public required int EncoderLayers { get; init; }

        public required int DecoderLayers { get; init; }

        public required int EncoderStep { get; init; }

        public required int DecoderStep { get; init; }

        public required int Experts { get; init; }

        public required int Capacity { get; init; }

        public required bool RouterBias { get; init; }

        public required int Buckets { get; init; }

        public required int MaxDistance { get; init; }

        public required float Epsilon { get; init; }

        public required FeedForwardActivation Activation { get; init; }

        public required bool Tied { get; init; }

        public required bool ScalesOutput { get; init; }

        public int? StartId { get; init; }

        public static Settings Read(HuggingFaceInput input)
        {
            JsonConfig s = input.Config;
            s.RequireBoolean("is_decoder", false);
            s.RequireBoolean("add_cross_attention", false);
            s.RequireBoolean("router_ignore_padding_tokens", false);

            // How the first releases of the family's code wrote what dense_act_fn and the router are.
            s.RequireString("feed_forward_proj", "relu");
            s.RequireBoolean("is_gated_act", false);
            s.RequireString("router_type", "tokens_masked");
            int layers = s.GetInt32InRange("num_layers", 1, Limits.Layers, 12);
            int decoderLayers = s.GetInt32InRange("num_decoder_layers", 1, Limits.Layers, layers);
            int sparse = s.GetInt32InRange("num_sparse_encoder_layers", 0, Limits.Layers, 3);
            int sparseDecoder = s.GetInt32InRange("num_sparse_decoder_layers", 0, Limits.Layers, 3);
            int buckets = s.GetInt32InRange("relative_attention_num_buckets", 4, 1 << 16, 32);
            if (buckets % 4 != 0)
            {
                throw s.Error("relative_attention_num_buckets", $"the value {buckets} is not supported; expected a multiple of 4.");
            }

            bool tied = s.GetBoolean("tie_word_embeddings", true);
            Settings settings = new()
            {
                Hidden = s.GetInt32InRange("d_model", 1, Limits.Hidden, 768),
                Vocabulary = s.GetInt32InRange("vocab_size", 1, Limits.Vocabulary, 32128),
                Context = s.GetInt32InRange("n_positions", 1, Limits.Context, TrainedContext),
                Heads = s.GetInt32InRange("num_heads", 1, Limits.Heads, 12),
                HeadWidth = s.GetInt32InRange("d_kv", 1, Limits.HeadWidth, 64),
                Width = s.GetInt32InRange("d_ff", 1, Limits.Intermediate, 2048),
                EncoderLayers = layers,
                DecoderLayers = decoderLayers,
                EncoderStep = s.GetInt32InRange("encoder_sparse_step", 0, Limits.Layers, sparse > 0 ? layers / sparse : layers),
                DecoderStep = s.GetInt32InRange("decoder_sparse_step", 0, Limits.Layers, sparseDecoder > 0 ? decoderLayers / sparseDecoder : decoderLayers),
                Experts = s.GetInt32InRange("num_experts", 1, Limits.Experts, 8),
                Capacity = s.GetInt32InRange("expert_capacity", 1, int.MaxValue, 64),
                RouterBias = s.GetBoolean("router_bias", false),
                Buckets = buckets,
                MaxDistance = s.GetInt32InRange("relative_attention_max_distance", (buckets / 2) + 1, 1 << 16, 128),
                Epsilon = s.Has("layer_norm_epsilon") ? (float)s.GetPositive("layer_norm_epsilon") : 1e-6f,
                Activation = s.GetString("dense_act_fn", "relu") switch
                {
                    "relu" => FeedForwardActivation.Relu,
                    string other => throw s.Error("dense_act_fn", $"the value '{other}' is not supported; expected relu."),
                },
                Tied = tied,
                ScalesOutput = s.GetBoolean("scale_decoder_outputs", tied),
                StartId = s.TryGetInt32InRange("decoder_start_token_id", 0, Limits.Vocabulary),
            };

            // Training alone, and the width that the routers' own arithmetic has: float32 at least here.
            s.Ignore("dropout_rate", "initializer_factor", "router_aux_loss_coef", "router_z_loss_coef", "router_jitter_noise", "add_router_probs", "router_dtype", "classifier_dropout");
            input.RequireAllRead();
            return settings;
        }

        public DecoderDescription Describe(string family, string architecture, bool hasHead) => new()
        {
            Family = family,
            Architecture = architecture,
            HiddenSize = Hidden,
            VocabularySize = Vocabulary,
            ContextLength = Context,
            Embedding = MatrixSource.Whole("shared.weight", Vocabulary, Hidden),
            Encoder = new EncoderStackDescription
            {
                Layers = [.. Enumerable.Range(0, EncoderLayers).Select(EncoderLayer)],
                OutputNorm = Norm("encoder.final_layer_norm.weight"),
            },
            Layers = [.. Enumerable.Range(0, DecoderLayers).Select(DecoderLayer)],
            Ropes = [],
            PositionBiases = [Bias(EncoderBias, isBidirectional: true), Bias(DecoderBias, isBidirectional: false)],
            StartId = StartId,

            // The scale d^-0.5 of the head's input joins the norm before it.
            OutputNorm = new NormDescription(
                VectorSource.Whole("decoder.final_layer_norm.weight", Hidden) with { Factor = ScalesOutput ? (float)(1 / Math.Sqrt(Hidden)) : 1 },
                Epsilon),
            OutputHead = Tied ? null : new ProjectionDescription(MatrixSource.Whole("lm_head.weight", Vocabulary, Hidden)),
            Ignorable =
            [
                new IgnorableTensors("encoder.embed_tokens.weight", "embedding, the same as shared.weight"),
                new IgnorableTensors("decoder.embed_tokens.weight", "embedding, the same as shared.weight"),
                .. Tied && hasHead ? [new IgnorableTensors("lm_head.weight", "output head, tied to the embedding")] : Array.Empty<IgnorableTensors>(),
            ],
        };

        private LayerDescription EncoderLayer(int layer) => new()
        {
            AttentionNorm = Norm($"encoder.block.{layer}.layer.0.layer_norm.weight"),
            Attention = Attention($"encoder.block.{layer}.layer.0.SelfAttention.") with { IsBidirectional = true, PositionBias = 0 },
            FeedForwardNorm = Norm($"encoder.block.{layer}.layer.1.layer_norm.weight"),
            FeedForward = FeedForward($"encoder.block.{layer}.layer.1.mlp.", IsSparse(layer, EncoderStep)),
        };

        private LayerDescription DecoderLayer(int layer) => new()
        {
            AttentionNorm = Norm($"decoder.block.{layer}.layer.0.layer_norm.weight"),
            Attention = Attention($"decoder.block.{layer}.layer.0.SelfAttention.") with { PositionBias = 1 },
            CrossAttention = new CrossAttentionDescription(
                Norm($"decoder.block.{layer}.layer.1.layer_norm.weight"),
                Attention($"decoder.block.{layer}.layer.1.EncDecAttention.") with { IsBidirectional = true }),
            FeedForwardNorm = Norm($"decoder.block.{layer}.layer.2.layer_norm.weight"),
            FeedForward = FeedForward($"decoder.block.{layer}.layer.2.mlp.", IsSparse(layer, DecoderStep)),
        };

        private static bool IsSparse(int layer, int step) => step == 1 || (step > 1 && layer % step == 1);

        private AttentionDescription Attention(string prefix) => new()
        {
            NumHeads = Heads,
            NumKeyValueHeads = Heads,
            KeyWidth = HeadWidth,
            ValueWidth = HeadWidth,
            Scale = 1,
            Rope = -1,
            Input = [Head(prefix + "q.weight"), Head(prefix + "k.weight"), Head(prefix + "v.weight")],
            Output = Dense($"{prefix}o.weight", Hidden, (long)Heads * HeadWidth),
        };

        private FeedForwardDescription FeedForward(string prefix, bool isSparse) => !isSparse
            ? new MlpDescription
            {
                Activation = Activation,
                Gate = null,
                Up = Dense(prefix + "wi.weight", Width, Hidden),
                Down = Dense(prefix + "wo.weight", Hidden, Width),
            }
            : new MoeDescription
            {
                Activation = Activation,
                Router = new RouterDescription
                {
                    Weight = MatrixSource.Whole(prefix + "router.classifier.weight", Experts, Hidden),
                    Bias = RouterBias ? VectorSource.Whole(prefix + "router.classifier.bias", Experts) : null,
                    Score = RouterScore.Softmax,
                    TopK = 1,
                    Normalise = false,
                    Capacity = new ExpertCapacity(RouterOverflow.Drop, Capacity),
                },
                Gate = null,
                Up = MatrixSource.PerExpert(e => $"{prefix}experts.expert_{e}.wi.weight", Experts, Width, Hidden),
                Down = MatrixSource.PerExpert(e => $"{prefix}experts.expert_{e}.wo.weight", Experts, Hidden, Width),
            };

        private PositionBiasDescription Bias(string tensor, bool isBidirectional) =>
            new(VectorSource.Stacked(tensor, Buckets, Heads), Heads, Buckets, MaxDistance, isBidirectional);

        private NormDescription Norm(string tensor) => new(VectorSource.Whole(tensor, Hidden), Epsilon);

        private ProjectionDescription Head(string tensor) => Dense(tensor, (long)Heads * HeadWidth, Hidden);

        private static ProjectionDescription Dense(string tensor, long rows, long cols) => new(MatrixSource.Whole(tensor, rows, cols));
    }
}
