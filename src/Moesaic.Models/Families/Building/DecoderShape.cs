using Moesaic.Models.Configurations;
using Moesaic.Models.Decoder;

namespace Moesaic.Models.Families;

/// <summary>The hyper-parameters that every family has, read from either kind of configuration and checked against each other.</summary>
internal sealed record DecoderShape
{
    public required string Architecture { get; init; }

    public required int Hidden { get; init; }

    public required int Layers { get; init; }

    public required int Heads { get; init; }

    public required int KeyValueHeads { get; init; }

    public required int HeadWidth { get; init; }

    /// <summary>Width of dense MLPs.</summary>
    public required int Intermediate { get; init; }

    public required int Vocabulary { get; init; }

    public required int Context { get; init; }

    public required float NormEpsilon { get; init; }

    public FeedForwardActivation Activation { get; init; } = FeedForwardActivation.Silu;

    public bool TiedEmbedding { get; init; }

    public NormDescription Norm(string tensor) => new(VectorSource.Whole(tensor, Hidden), NormEpsilon);

    /// <summary>Reads what <c>config.json</c> says in the names that nearly all families share.</summary>
    /// <param name="input">The configuration.</param>
    /// <param name="tiedByDefault">What <c>tie_word_embeddings</c> is when absent.</param>
    /// <param name="headWidth">A head's width where the family reads it; then it has no key-value heads of its own either (latent attention).</param>
    public static DecoderShape FromHuggingFace(HuggingFaceInput input, bool tiedByDefault = false, int? headWidth = null)
    {
        JsonConfig s = input.Config;
        int hidden = s.GetInt32InRange("hidden_size", 1, Limits.Hidden);
        int heads = s.GetInt32InRange("num_attention_heads", 1, Limits.Heads);
        int keyValueHeads = heads;
        if (headWidth is null)
        {
            keyValueHeads = s.GetInt32InRange("num_key_value_heads", 1, Limits.Heads, heads);
            s.RequireMultiple("num_attention_heads", heads, "num_key_value_heads", keyValueHeads);
            headWidth = s.TryGetInt32InRange("head_dim", 1, Limits.HeadWidth);
            if (headWidth is null)
            {
                s.RequireMultiple("hidden_size", hidden, "num_attention_heads", heads);
            }

            headWidth = EvenWidth(s, "head_dim", headWidth ?? hidden / heads);
        }
        else
        {
            s.Ignore("num_key_value_heads");
        }

        return new DecoderShape
        {
            Architecture = input.Architecture,
            Hidden = hidden,
            Layers = s.GetInt32InRange("num_hidden_layers", 1, Limits.Layers),
            Heads = heads,
            KeyValueHeads = keyValueHeads,
            HeadWidth = headWidth.Value,
            Intermediate = s.GetInt32InRange("intermediate_size", 1, Limits.Intermediate),
            Vocabulary = s.GetInt32InRange("vocab_size", 1, Limits.Vocabulary),
            Context = s.GetInt32InRange("max_position_embeddings", 1, Limits.Context),
            NormEpsilon = (float)s.GetPositive("rms_norm_eps"),
            Activation = s.GetString("hidden_act", "silu") switch
            {
                "silu" or "swish" => FeedForwardActivation.Silu,
                "gelu_pytorch_tanh" => FeedForwardActivation.GeluTanh,
                string other => throw s.Error("hidden_act", $"the value '{other}' is not supported; expected silu or gelu_pytorch_tanh."),
            },
            TiedEmbedding = s.GetBoolean("tie_word_embeddings", tiedByDefault),
        };
    }

    /// <summary>Reads what a GGUF file says; the vocabulary is the embedding's number of rows.</summary>
    /// <param name="input">The metadata.</param>
    /// <param name="headWidth">As in <see cref="FromHuggingFace"/>.</param>
    public static DecoderShape FromGguf(GgufInput input, int? headWidth = null)
    {
        GgufConfig s = input.Config;
        int hidden = s.GetInt32InRange("embedding_length", 1, Limits.Hidden);
        int layers = s.GetInt32InRange("block_count", 1, Limits.Layers);
        int heads = s.TryGetUniform("attention.head_count", layers, 1, Limits.Heads) ?? throw s.Error("attention.head_count", "this key is missing; expected an integer.");
        int keyValueHeads = s.TryGetUniform("attention.head_count_kv", layers, 1, Limits.Heads) ?? heads;
        s.RequireMultiple("attention.head_count", heads, "attention.head_count_kv", keyValueHeads);
        headWidth ??= ReadHeadWidth(s, hidden, heads);
        s.RequireBoolean("attention.causal", true);
        return new DecoderShape
        {
            Architecture = input.Architecture,
            Hidden = hidden,
            Layers = layers,
            Heads = heads,
            KeyValueHeads = keyValueHeads,
            HeadWidth = headWidth.Value,
            Intermediate = s.TryGetUniform("feed_forward_length", layers, 1, Limits.Intermediate) ?? throw s.Error("feed_forward_length", "this key is missing; expected an integer."),
            Vocabulary = input.VocabularySize(),
            Context = s.GetInt32InRange("context_length", 1, Limits.Context),
            NormEpsilon = (float)s.GetPositive("attention.layer_norm_rms_epsilon"),
            TiedEmbedding = !input.HasTensor("output.weight"),
        };
    }

    private static int ReadHeadWidth(GgufConfig s, int hidden, int heads)
    {
        int? keyWidth = s.TryGetInt32InRange("attention.key_length", 1, Limits.HeadWidth);
        if (keyWidth is null)
        {
            s.RequireMultiple("embedding_length", hidden, "attention.head_count", heads);
        }

        int width = EvenWidth(s, "attention.key_length", keyWidth ?? hidden / heads);
        int valueWidth = s.GetInt32InRange("attention.value_length", 1, Limits.HeadWidth, width);
        return valueWidth == width
            ? width
            : throw s.Error("attention.value_length", $"the value {valueWidth} is not supported; expected {width}, the key length.");
    }

    /// <summary>A head width, which must be even.</summary>
    public static int EvenWidth(ConfigReader config, string key, int width) =>
        width % 2 == 0 ? width : throw config.Error(key, $"the head width {width} is odd; expected an even number.");
}
