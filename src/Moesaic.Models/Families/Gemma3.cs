using System.Collections.Immutable;
using Moesaic.Interop;
using Moesaic.Models.Configurations;
using Moesaic.Models.Decoder;

namespace Moesaic.Models.Families;

/// <summary>
/// The text model of Gemma 3, alone or inside a multimodal checkpoint: layers with a window and their own rotation between
/// layers that see everything, four norms a layer, head norms, a scaled embedding that is also the output head. Hugging Face
/// stores the norms' weights less one, GGUF files whole.
/// </summary>
internal sealed class Gemma3 : IModelFamily
{
    private const double GlobalTheta = 1e6;
    private const double LocalTheta = 1e4;
    private const int DefaultPattern = 6;
    private const string TextArchitecture = "Gemma3ForCausalLM";
    private const string MultimodalArchitecture = "Gemma3ForConditionalGeneration";

    private static readonly TensorNames s_gguf = TensorNames.Gguf with { AttentionPostNorm = "post_attention_norm", FeedForwardPostNorm = "post_ffw_norm" };

    private static readonly ImmutableArray<IgnorableTensors> s_images =
    [
        .. from part in (string[])["vision_tower.*", "multi_modal_projector.*", "model.vision_tower.*", "model.multi_modal_projector.*"]
           select new IgnorableTensors(part, "images, of which this text model knows nothing"),
    ];

    public string Name => "Gemma 3";

    public ImmutableArray<string> Architectures => [TextArchitecture, MultimodalArchitecture];

    public ImmutableArray<string> ModelTypes => ["gemma3_text", "gemma3"];

    public ImmutableArray<string> GgufArchitectures => ["gemma3"];

    public GgufScheme? GgufScheme { get; } = new("gemma3") { Names = s_gguf, HasWindow = true, WindowPattern = DefaultPattern, HasAttentionScale = true };

    public bool Answers(GgufInput input) => input.Architecture == "gemma3";

    public DecoderDescription Describe(HuggingFaceInput input)
    {
        JsonConfig s = TextConfig(input);
        DecoderShape shape = Shape(input, s);
        s.RequireBoolean("attention_bias", false);
        s.RequireBoolean("use_bidirectional_attention", false);
        s.Ignore("cache_implementation");
        double scalar = s.Has("query_pre_attn_scalar") ? s.GetPositive("query_pre_attn_scalar") : 256;
        Func<int, int> window = Windows(s, shape.Layers);
        RopeDescription global = Rotation(s, HuggingFaceRope.Read(s, GlobalTheta, "full_attention"), shape);
        double localTheta = s.Has("rope_local_base_freq") ? s.GetPositive("rope_local_base_freq") : LocalTheta;
        RopeDescription local = Rotation(s, HuggingFaceRope.ReadOwn(s, LayerWindows.Sliding, localTheta), shape);
        s.RequireAllRead();
        input.RequireAllRead();
        return Build(new LayerParts(shape, Names(input), input.HasTensor), [global, local], 1 / Math.Sqrt(scalar), window, normOffset: 1);
    }

    public DecoderDescription Describe(GgufInput input)
    {
        GgufConfig s = input.Config;
        DecoderShape shape = DecoderShape.FromGguf(input) with { Activation = FeedForwardActivation.GeluTanh };
        RopeDescription global = PreNormDecoder.Rope(input, shape, RopePairing.HalfSplit);
        double localTheta = s.Has("rope.freq_base_swa") ? s.GetPositive("rope.freq_base_swa") : LocalTheta;
        RopeDescription local = PreNormDecoder.Rope(s.File, RopePairing.HalfSplit, new RopeSettings(localTheta, RopeScaling.None), shape.HeadWidth, shape.Context);
        Func<int, int> window = Windows(s, shape.Layers);

        // The format has no key for query_pre_attn_scalar: of the released models only the one with 62 layers departs from the
        // head width, with the hidden width a head.
        double scale = s.Has("attention.scale") ? s.GetPositive("attention.scale")
            : 1 / Math.Sqrt(shape.Layers == 62 ? (double)shape.Hidden / shape.Heads : shape.HeadWidth);
        input.RequireAllRead();
        return Build(new LayerParts(shape, s_gguf, input.HasTensor), [global, local], scale, window, normOffset: 0);
    }

    private static RopeDescription Rotation(JsonConfig s, RopeSettings settings, DecoderShape shape) => settings.PartialRotaryFactor is null or 1
        ? PreNormDecoder.Rope(s.File, RopePairing.HalfSplit, settings, shape.HeadWidth, shape.Context)
        : throw s.Error("rope_parameters", $"partial_rotary_factor {settings.PartialRotaryFactor} is not supported for this model; expected 1.");

    // A multimodal checkpoint has the text model's settings in an object of their own.
    private static JsonConfig TextConfig(HuggingFaceInput input)
    {
        if (!input.Config.TryGetObject("text_config", out JsonConfig? text))
        {
            return input.Architecture is MultimodalArchitecture or "gemma3"
                ? throw input.Config.Error("text_config", "this key is missing; expected the text model's settings.")
                : input.Config;
        }

        HuggingFaceConfig.IgnoreGeneral(text);
        text.Ignore("dtype", "torch_dtype");
        input.Config.Ignore(
            "vision_config", "boi_token_index", "eoi_token_index", "image_token_index", "boi_token_id", "eoi_token_id", "image_token_id", "mm_tokens_per_image", "tie_word_embeddings");
        return text;
    }

    private static DecoderShape Shape(HuggingFaceInput input, JsonConfig s)
    {
        // Multimodal checkpoints leave out what equals the family's defaults.
        int heads = s.GetInt32InRange("num_attention_heads", 1, Limits.Heads, 8);
        int keyValueHeads = s.GetInt32InRange("num_key_value_heads", 1, Limits.Heads, 4);
        s.RequireMultiple("num_attention_heads", heads, "num_key_value_heads", keyValueHeads);
        s.RequireString("hidden_activation", "gelu_pytorch_tanh");
        s.RequireString("hidden_act", "gelu_pytorch_tanh");
        return new DecoderShape
        {
            Architecture = input.Architecture,
            Hidden = s.GetInt32InRange("hidden_size", 1, Limits.Hidden),
            Layers = s.GetInt32InRange("num_hidden_layers", 1, Limits.Layers),
            Heads = heads,
            KeyValueHeads = keyValueHeads,
            HeadWidth = DecoderShape.EvenWidth(s, "head_dim", s.GetInt32InRange("head_dim", 1, Limits.HeadWidth, 256)),
            Intermediate = s.GetInt32InRange("intermediate_size", 1, Limits.Intermediate),
            Vocabulary = s.GetInt32InRange("vocab_size", 1, Limits.Vocabulary, 262208),
            Context = s.GetInt32InRange("max_position_embeddings", 1, Limits.Context, 131072),
            NormEpsilon = (float)(s.Has("rms_norm_eps") ? s.GetPositive("rms_norm_eps") : 1e-6),
            Activation = FeedForwardActivation.GeluTanh,
            TiedEmbedding = s.GetBoolean("tie_word_embeddings", true),
        };
    }

    // Layers with a window: those named, or all but each pattern's last.
    private static Func<int, int> Windows(JsonConfig s, int numLayers)
    {
        int window = s.GetInt32InRange("sliding_window", 1, Limits.Context, 4096);
        int pattern = s.GetInt32InRange(s.Spelling("sliding_window_pattern", "_sliding_window_pattern"), 1, Limits.Layers, DefaultPattern);
        string[]? types = LayerWindows.Types(s, numLayers);
        return layer => (types is null ? (layer + 1) % pattern != 0 : types[layer] == LayerWindows.Sliding) ? window : 0;
    }

    private static Func<int, int> Windows(GgufConfig s, int numLayers)
    {
        int window = s.GetInt32InRange("attention.sliding_window", 0, Limits.Context, 0);
        if (s.Metadata.TryGetValue(s.Architecture + ".attention.sliding_window_pattern", out Checkpoints.Gguf.GgufValue found) && found.Type == Checkpoints.Gguf.GgufValueType.Array)
        {
            bool[]? windowed = s.TryGetBooleanArray("attention.sliding_window_pattern", out bool[]? read) ? read : [];
            return windowed.Length == numLayers
                ? layer => windowed[layer] ? window : 0
                : throw s.Error("attention.sliding_window_pattern", $"the array has {windowed.Length} elements, the model {numLayers} layers.");
        }

        int pattern = s.GetInt32InRange("attention.sliding_window_pattern", 1, Limits.Layers, DefaultPattern);
        return layer => (layer + 1) % pattern != 0 ? window : 0;
    }

    private static TensorNames Names(HuggingFaceInput input)
    {
        foreach (string prefix in (ReadOnlySpan<string>)["language_model.model.", "model.language_model."])
        {
            if (input.HasTensor(prefix + "embed_tokens.weight"))
            {
                return Names(prefix, input.HasTensor("language_model.lm_head.weight") ? "language_model.lm_head" : "lm_head");
            }
        }

        return Names("model.", "lm_head");
    }

    private static TensorNames Names(string prefix, string head) => TensorNames.HuggingFace with
    {
        Embedding = prefix + "embed_tokens",
        OutputNorm = prefix + "norm",
        OutputHead = head,
        LayerPrefix = prefix + "layers.{0}.",
        AttentionPostNorm = "post_attention_layernorm",
        FeedForwardNorm = "pre_feedforward_layernorm",
        FeedForwardPostNorm = "post_feedforward_layernorm",
    };

    private DecoderDescription Build(LayerParts parts, ImmutableArray<RopeDescription> ropes, double scale, Func<int, int> window, float normOffset)
    {
        DecoderDescription decoder = PreNormDecoder.Build(Name, parts, ropes[0], Layer);
        return decoder with
        {
            Ropes = ropes,
            EmbeddingScale = (float)Math.Sqrt(parts.Shape.Hidden),
            OutputNorm = Offset(decoder.OutputNorm),
            Ignorable = decoder.Ignorable.AddRange(s_images),
        };

        LayerDescription Layer(int layer)
        {
            int size = window(layer);
            AttentionDescription attention = parts.Attention(layer, headNorms: true, window: size);
            return new LayerDescription
            {
                AttentionNorm = Offset(parts.Norm(layer, parts.Names.AttentionNorm)),
                Attention = attention with
                {
                    Scale = (float)scale,
                    Rope = size > 0 ? 1 : 0,
                    QueryNorm = Offset(attention.QueryNorm!),
                    KeyNorm = Offset(attention.KeyNorm!),
                },
                AttentionPostNorm = Offset(parts.Norm(layer, parts.Names.AttentionPostNorm!)),
                FeedForwardNorm = Offset(parts.Norm(layer, parts.Names.FeedForwardNorm)),
                FeedForward = parts.Mlp(layer),
                FeedForwardPostNorm = Offset(parts.Norm(layer, parts.Names.FeedForwardPostNorm!)),
            };
        }

        NormDescription Offset(NormDescription norm) => norm with { Weight = norm.Weight with { Add = normOffset } };
    }
}
