using System.Collections.Immutable;
using Moesaic.Interop;
using Moesaic.Models.Decoder;

namespace Moesaic.Models.Export;

/// <summary>
/// Whether two descriptions are of the same computation, wherever their tensors lie. What a file could not say shows here, before
/// anything is written.
/// </summary>
internal sealed class DescriptionComparison
{
    // Frequencies of a file go through float32 keys and tensors.
    private const double Tolerance = 2e-6;

    private readonly DecoderDescription _source;
    private readonly DecoderDescription _written;

    // How rotated channels pair up in the file: the rows of the checkpoint's are rearranged where they pair up otherwise.
    private readonly RopePairing _pairing;

    private DescriptionComparison(DecoderDescription source, DecoderDescription written, RopePairing pairing) => (_source, _written, _pairing) = (source, written, pairing);

    /// <summary>The first difference in words, or null.</summary>
    /// <param name="source">The checkpoint's.</param>
    /// <param name="written">The file's.</param>
    /// <param name="pairing">How rotated channels must pair up in the file.</param>
    public static string? FindDifference(DecoderDescription source, DecoderDescription written, RopePairing pairing) => new DescriptionComparison(source, written, pairing).Find();

    private string? Find()
    {
        (DecoderDescription source, DecoderDescription written) = (_source, _written);
        string? found = Differ("hidden size", source.HiddenSize, written.HiddenSize)
            ?? Differ("rows of the vocabulary", source.VocabularySize, written.VocabularySize)
            ?? Differ("context", source.ContextLength, written.ContextLength)
            ?? Differ("embedding scale", source.EmbeddingScale, written.EmbeddingScale)
            ?? Differ("tied output head", source.OutputHead is null, written.OutputHead is null)
            ?? Differ("epsilon of the output norm", source.OutputNorm.Epsilon, written.OutputNorm.Epsilon)
            ?? Differ("layers", source.Layers.Length, written.Layers.Length)
            ?? Differ("multi-token-prediction layers", source.MtpLayers.Length, written.MtpLayers.Length);
        for (int i = 0; found is null && i < source.Layers.Length; i++)
        {
            found = In($"layer {i}", Layer(source.Layers[i], written.Layers[i]));
        }

        for (int i = 0; found is null && i < source.MtpLayers.Length; i++)
        {
            found = In($"multi-token-prediction layer {i}", Mtp(source.MtpLayers[i], written.MtpLayers[i]));
        }

        return found;
    }

    private string? Mtp(MtpDescription source, MtpDescription written) =>
        Differ("embedding of its own", source.Embedding is null, written.Embedding is null)
        ?? Differ("output head of its own", source.OutputHead is null, written.OutputHead is null)
        ?? Layer(source.Layer, written.Layer);

    private string? Layer(LayerDescription source, LayerDescription written)
    {
        AttentionDescription a = source.Attention, b = written.Attention;
        return Differ("heads", a.NumHeads, b.NumHeads)
            ?? Differ("key-value heads", a.NumKeyValueHeads, b.NumKeyValueHeads)
            ?? Differ("key width", a.KeyWidth, b.KeyWidth)
            ?? Differ("value width", a.ValueWidth, b.ValueWidth)
            ?? Near("attention scale", a.Scale, b.Scale)
            ?? Differ("window", a.Window, b.Window)
            ?? Latent(a.Latent, b.Latent)
            ?? Differ("sinks", a.Sinks is null, b.Sinks is null)
            ?? Differ("norm of queries", a.QueryNorm?.Epsilon, b.QueryNorm?.Epsilon)
            ?? Differ("norm of keys", a.KeyNorm?.Epsilon, b.KeyNorm?.Epsilon)
            ?? Differ("norms of the outputs", (source.AttentionPostNorm?.Epsilon, source.FeedForwardPostNorm?.Epsilon), (written.AttentionPostNorm?.Epsilon, written.FeedForwardPostNorm?.Epsilon))
            ?? Differ("epsilon of the norms", (source.AttentionNorm.Epsilon, source.FeedForwardNorm.Epsilon), (written.AttentionNorm.Epsilon, written.FeedForwardNorm.Epsilon))
            ?? Differ("biases of the attention's input", a.Input.Count(p => p.Bias is not null), b.Input.Count(p => p.Bias is not null))
            ?? Differ("bias of the attention's output", a.Output.Bias is null, b.Output.Bias is null)
            ?? Rope(a.Rope < 0 ? null : _source.Ropes[a.Rope], b.Rope < 0 ? null : _written.Ropes[b.Rope])
            ?? FeedForward(source.FeedForward, written.FeedForward);
    }

    private static string? FeedForward(FeedForwardDescription source, FeedForwardDescription written) =>
        Differ("activation with its constants", Activation(source), Activation(written)) ?? (source, written) switch
        {
            (MlpDescription a, MlpDescription b) => Mlp(a, b),
            (MoeDescription a, MoeDescription b) => Differ("experts", a.NumExperts, b.NumExperts)
                ?? Differ("width of an expert", a.ExpertWidth, b.ExpertWidth)
                ?? Differ("biases of the experts", (a.GateBias is null, a.UpBias is null, a.DownBias is null), (b.GateBias is null, b.UpBias is null, b.DownBias is null))
                ?? Router(a.Router, b.Router)
                ?? Differ("shared expert", a.Shared is null, b.Shared is null)
                ?? (a.Shared is null ? null : Mlp(a.Shared, b.Shared!)),
            _ => "it has experts in one and none in the other",
        };

    private static (object Kind, float Alpha, float Limit) Activation(FeedForwardDescription part) => (part.Activation, part.ActivationAlpha, part.ActivationLimit);

    private static string? Mlp(MlpDescription a, MlpDescription b) =>
        Differ("width of the MLP", a.Width, b.Width)
        ?? Differ("gate of the MLP", a.Gate is null, b.Gate is null)
        ?? Differ("biases of the MLP", (a.Gate?.Bias is null, a.Up.Bias is null, a.Down.Bias is null), (b.Gate?.Bias is null, b.Up.Bias is null, b.Down.Bias is null));

    private static string? Router(RouterDescription a, RouterDescription b) =>
        Differ("score of the router", a.Score, b.Score)
        ?? Differ("groups of experts", (a.NumGroups, a.NumGroups == 1 ? 1 : a.KeptGroups), (b.NumGroups, b.NumGroups == 1 ? 1 : b.KeptGroups))
        ?? (a.NumGroups > 1 ? Differ("rule of the groups", a.GroupRule, b.GroupRule) : null)
        ?? Differ("experts a token", a.TopK, b.TopK)
        ?? Differ("capacity of the experts", a.Capacity, b.Capacity)
        ?? Differ("normalisation of the router", (a.Normalise, a.NormEpsilon), (b.Normalise, b.NormEpsilon))
        ?? Differ("scale of the router", a.Scale, b.Scale)
        ?? Differ("biases of the router", (a.Bias is null, a.SelectionBias is null), (b.Bias is null, b.SelectionBias is null));

    private static string? Latent(LatentAttentionDescription? a, LatentAttentionDescription? b) => a is null || b is null
        ? Differ("latent attention", a is null, b is null)
        : Differ("widths of the latent attention", (a.LatentWidth, a.RotatedWidth, a.PlainWidth, a.QueryRank), (b.LatentWidth, b.RotatedWidth, b.PlainWidth, b.QueryRank))
            ?? Differ("norms of the latents", (a.LatentNorm.Epsilon, a.QueryNorm?.Epsilon), (b.LatentNorm.Epsilon, b.QueryNorm?.Epsilon))
            ?? Differ("biases of the latents", (a.QueryDown?.Bias is null, a.Query.Bias is null, a.Down.Bias is null), (b.QueryDown?.Bias is null, b.Query.Bias is null, b.Down.Bias is null));

    private string? Rope(RopeDescription? a, RopeDescription? b)
    {
        if (a is null || b is null)
        {
            return Differ("rotation", a is null, b is null);
        }

        return Differ("rotated channels", a.Dimensions, b.Dimensions)
            ?? Differ("pairs of rotated channels", _pairing, b.Pairing)
            ?? Near("factor of the rotation", a.Factor, b.Factor)
            ?? Frequencies(a.InverseFrequencies, b.InverseFrequencies)
            ?? Differ("context of the first training", a.Original?.MaxContext, b.Original?.MaxContext)
            ?? (a.Original is not { } first || b.Original is not { } other ? null
                : In("within the original context", Near("factor of the rotation", first.Factor, other.Factor) ?? Frequencies(first.InverseFrequencies, other.InverseFrequencies)));
    }

    private static string? Frequencies(ImmutableArray<float> a, ImmutableArray<float> b) =>
        Enumerable.Range(0, a.Length).Select(i => Near($"rotary frequency {i}", a[i], b[i])).FirstOrDefault(difference => difference is not null);

    private static string? Near(string what, float source, float written) =>
        Math.Abs(source - written) <= Tolerance * Math.Abs(source) ? null : Differ(what, source, written);

    /// <summary>In words that two values are not the same, or null.</summary>
    public static string? Differ<T>(string what, T source, T written) =>
        EqualityComparer<T>.Default.Equals(source, written) ? null : FormattableString.Invariant($"{what}: {source} in the checkpoint, {written} in the file");

    private static string? In(string where, string? what) => what is null ? null : $"{where}: {what}";
}
