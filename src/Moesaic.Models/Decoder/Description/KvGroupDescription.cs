using System.Collections.Immutable;

namespace Moesaic.Models.Decoder;

/// <summary>Layers whose cached keys and values have the same shape and life, so that they share pages and one page table.</summary>
/// <param name="Layers">Indices of the layers, ascending; a layer's place in here is its place in the cache.</param>
/// <param name="NumKeyValueHeads">Heads cached a layer.</param>
/// <param name="KeyWidth">Channels of one head's key.</param>
/// <param name="ValueWidth">Channels of one head's value.</param>
/// <param name="Window">Positions looked back on, itself included; 0: all.</param>
/// <param name="LatentWidth">Channels of a key, from the first on, that are its value too (then <paramref name="ValueWidth"/> is 0); 0: keys and values are apart.</param>
public sealed record KvGroupDescription(ImmutableArray<int> Layers, int NumKeyValueHeads, int KeyWidth, int ValueWidth, int Window, int LatentWidth = 0)
{
    /// <summary>Most experts of a layer whose routing is limited by capacity: its counts lie in the pages; 0: none.</summary>
    public int RoutedExperts { get; init; }

    /// <summary>Most choices of a token in those layers.</summary>
    public int RoutedChoices { get; init; }

    /// <summary>Groups layers, in order of their first layer.</summary>
    internal static ImmutableArray<KvGroupDescription> Group(IReadOnlyList<LayerDescription> layers)
    {
        List<(KvGroupDescription Shape, List<int> Layers)> groups = [];
        for (int i = 0; i < layers.Count; i++)
        {
            AttentionDescription a = layers[i].Attention;
            KvGroupDescription shape = new([], a.NumKeyValueHeads, a.KeyWidth, a.Latent is null ? a.ValueWidth : 0, a.Window, a.Latent?.LatentWidth ?? 0);
            int at = groups.FindIndex(g => g.Shape == shape);
            if (at < 0)
            {
                at = groups.Count;
                groups.Add((shape, []));
            }

            groups[at].Layers.Add(i);
        }

        return [.. groups.Select(g => g.Shape with
        {
            Layers = [.. g.Layers],
            RoutedExperts = Limited(g.Layers).Select(m => m.NumExperts).DefaultIfEmpty().Max(),
            RoutedChoices = Limited(g.Layers).Select(m => m.Router.TopK).DefaultIfEmpty().Max(),
        })];

        IEnumerable<MoeDescription> Limited(List<int> indices) =>
            indices.Select(i => layers[i].FeedForward).OfType<MoeDescription>().Where(m => m.Router.Capacity is not null);
    }
}
