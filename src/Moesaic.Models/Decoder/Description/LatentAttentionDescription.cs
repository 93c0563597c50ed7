namespace Moesaic.Models.Decoder;

/// <summary>
/// Multi-head latent attention (DeepSeek-V2, arXiv:2405.04434, section 2.1). From the layer's normed input x:
/// q = query(queryNorm(queryDown x)) or query(x), per head [plain | rotated];
/// [c | r] = down(x), of which [latentNorm(c) | rotated r] is all that is cached;
/// keys of head h are [key_h c | r], its values value_h c.
/// </summary>
public sealed record LatentAttentionDescription
{
    /// <summary>Channels of c.</summary>
    public required int LatentWidth { get; init; }

    /// <summary>Channels of r, which all heads share, and of the rotated part of each head's query.</summary>
    public required int RotatedWidth { get; init; }

    /// <summary>Channels of a head's query and key that are not rotated.</summary>
    public required int PlainWidth { get; init; }

    /// <summary>[rank, hidden]; null: queries come from x itself.</summary>
    public ProjectionDescription? QueryDown { get; init; }

    /// <summary>Over the rank; given together with <see cref="QueryDown"/>.</summary>
    public NormDescription? QueryNorm { get; init; }

    /// <summary>[heads * (plain + rotated), rank or hidden].</summary>
    public required ProjectionDescription Query { get; init; }

    /// <summary>[latent + rotated, hidden].</summary>
    public required ProjectionDescription Down { get; init; }

    /// <summary>Over c alone.</summary>
    public required NormDescription LatentNorm { get; init; }

    /// <summary>The key map of each head transposed, [latent, plain]: the absorbed form.</summary>
    public required MatrixSource AbsorbedKey { get; init; }

    /// <summary>The key map of each head, [plain, latent]: the expanded form.</summary>
    public required MatrixSource ExpandedKey { get; init; }

    /// <summary>The value map of each head, [value width, latent].</summary>
    public required MatrixSource Value { get; init; }

    /// <summary>Rows of <see cref="QueryDown"/>; 0 without it.</summary>
    public int QueryRank => checked((int)(QueryDown?.Weight.Rows ?? 0));

    /// <summary>Width of one head's query as projected.</summary>
    public int QueryWidth => PlainWidth + RotatedWidth;

    /// <summary>Width of what is cached for a token.</summary>
    public int CachedWidth => LatentWidth + RotatedWidth;

    /// <summary>The key maps that a form needs.</summary>
    public IEnumerable<MatrixSource> Keys(LatentForm form) => form switch
    {
        LatentForm.Absorbed => [AbsorbedKey],
        LatentForm.Expanded => [ExpandedKey],
        LatentForm.Mixed => [AbsorbedKey, ExpandedKey],
        _ => throw new ArgumentOutOfRangeException(nameof(form), form, "Unknown form of latent attention."),
    };
}
