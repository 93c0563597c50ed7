namespace Moesaic.Interop;

/// <summary>The cache of one layer group: layers whose pages have the same shape and share one page table.</summary>
public sealed record KvCacheDescription
{
    /// <summary><see cref="TensorFormat.F32"/>, <see cref="TensorFormat.BF16"/> or <see cref="TensorFormat.I8"/>
    /// (scale per token and head).</summary>
    public required TensorFormat Format { get; init; }

    public required long NumLayers { get; init; }

    public required long NumKvHeads { get; init; }

    /// <summary>Elements of one head's key.</summary>
    public required long KeyWidth { get; init; }

    /// <summary>Elements of one head's value; 0 in a latent cache.</summary>
    public required long ValueWidth { get; init; }

    /// <summary>
    /// Latent attention: the first channels of a key that are its value too, stored once, for one KV head; 0: keys and values
    /// are apart.
    /// </summary>
    public long LatentWidth { get; init; }

    /// <summary>Positions a page holds; a multiple of 16.</summary>
    public required long PageTokens { get; init; }

    public required long NumPages { get; init; }

    /// <summary>Positions a layer of this group looks back on, itself included; 0: all.</summary>
    public long Window { get; init; }

    /// <summary>Index of this group's page table in the batch.</summary>
    public int Group { get; init; }

    /// <summary>Capacity-limited routing: most experts of a layer, whose counts lie in the pages; 0: none.</summary>
    public long RoutedExperts { get; init; }

    /// <summary>Most choices of a token where <see cref="RoutedExperts"/> is set, otherwise 0.</summary>
    public long RoutedChoices { get; init; }
}
