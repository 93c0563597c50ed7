using Moesaic.Models.Decoder;

namespace Moesaic.Models.Export;

/// <summary>
/// Whether two descriptions are of the same computation, wherever their tensors lie. What a file could not say shows here, before
/// anything is written.
/// </summary>
internal static class DescriptionComparison
{
    // Frequencies of a file go through float32 keys and tensors.
    private const double Tolerance = 2e-6;

    /// <summary>The first difference in words, or null.</summary>
    public static string? FindDifference(DecoderDescription source, DecoderDescription written)
    {
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
            found = In($"layer {i}", Layer(source, source.Layers[i], written, written.Layers[i]));
        }

        for (int i = 0; found is null && i < source.MtpLayers.Length; i++)
        {
            found = In($"multi-token-prediction layer {i}", Layer(source, source.MtpLayers[i].Layer, written, written.MtpLayers[i].Layer));
        }

        return found;
    }

    private static string? Layer(DecoderDescription sourceOf, LayerDescription source, DecoderDescription writtenOf, LayerDescription written)
    {
        AttentionDescription a = source.Attention, b = written.Attention;
        return Differ("heads", a.NumHeads, b.NumHeads)
            ?? Differ("key-value heads", a.NumKeyValueHeads, b.NumKeyValueHeads)
            ?? Differ("key width", a.KeyWidth, b.KeyWidth)
            ?? Differ("value width", a.ValueWidth, b.ValueWidth)
            ?? Differ("attention scale", a.Scale, b.Scale)
            ?? Differ("window", a.Window, b.Window)
            ?? Differ("latent attention", a.Latent is null, b.Latent is null)
            ?? Differ("sinks", a.Sinks is null, b.Sinks is null)
            ?? Differ("norm of queries", a.QueryNorm?.Epsilon, b.QueryNorm?.Epsilon)
            ?? Differ("norm of keys", a.KeyNorm?.Epsilon, b.KeyNorm?.Epsilon)
            ?? Differ("epsilon of the norms", (source.AttentionNorm.Epsilon, source.FeedForwardNorm.Epsilon), (written.AttentionNorm.Epsilon, written.FeedForwardNorm.Epsilon))
            ?? Differ("biases of the attention's input", a.Input.Count(p => p.Bias is not null), b.Input.Count(p => p.Bias is not null))
            ?? Differ("bias of the attention's output", a.Output.Bias is null, b.Output.Bias is null)
            ?? Rope(a.Rope < 0 ? null : sourceOf.Ropes[a.Rope], b.Rope < 0 ? null : writtenOf.Ropes[b.Rope])
            ?? FeedForward(source.FeedForward, written.FeedForward);
    }

    private static string? FeedForward(FeedForwardDescription source, FeedForwardDescription written) => (source, written) switch
    {
        _ when (source.Activation, source.ActivationAlpha, source.ActivationLimit) != (written.Activation, written.ActivationAlpha, written.ActivationLimit) => Differ("activation", source.Activation, written.Activation),
        (MlpDescription a, MlpDescription b) => Mlp(a, b),
        (MoeDescription a, MoeDescription b) => Differ("experts", a.NumExperts, b.NumExperts)
            ?? Differ("width of an expert", a.ExpertWidth, b.ExpertWidth)
            ?? Differ("biases of the experts", (a.GateBias is null, a.UpBias is null, a.DownBias is null), (b.GateBias is null, b.UpBias is null, b.DownBias is null))
            ?? Router(a.Router, b.Router)
            ?? Differ("shared expert", a.Shared is null, b.Shared is null)
            ?? (a.Shared is null ? null : Mlp(a.Shared, b.Shared!)),
        _ => "it has experts in one and none in the other",
    };

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

    // Pairings differ where rows are interleaved.
    private static string? Rope(RopeDescription? a, RopeDescription? b)
    {
        if (a is null || b is null)
        {
            return Differ("rotation", a is null, b is null);
        }

        string? found = Differ("rotated channels", a.Dimensions, b.Dimensions) ?? Near("factor of the rotation", a.Factor, b.Factor);
        for (int i = 0; found is null && i < a.InverseFrequencies.Length; i++)
        {
            found = Near($"rotary frequency {i}", a.InverseFrequencies[i], b.InverseFrequencies[i]);
        }

        return found;
    }

    private static string? Near(string what, float source, float written) =>
        Math.Abs(source - written) <= Tolerance * Math.Abs(source) ? null : Differ(what, source, written);

    private static string? Differ<T>(string what, T source, T written) =>
        EqualityComparer<T>.Default.Equals(source, written) ? null : FormattableString.Invariant($"{what}: {source} in the checkpoint, {written} in the file");

    private static string? In(string where, string? what) => what is null ? null : $"{where}: {what}";
}
