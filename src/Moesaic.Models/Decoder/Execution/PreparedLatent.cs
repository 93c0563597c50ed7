using Moesaic.Interop;

namespace Moesaic.Models.Decoder;

/// <summary>The weights of latent attention that a form needs, looked up.</summary>
internal sealed class PreparedLatent
{
    public PreparedLatent(LoadedDecoder decoder, AttentionDescription attention, LatentAttentionDescription latent)
    {
        Description = latent;
        QueryDown = latent.QueryDown is { } down ? new PreparedProjection(decoder, down) : null;
        QueryNorm = latent.QueryNorm is { } norm ? new PreparedNorm(decoder, norm) : default;
        Query = new PreparedProjection(decoder, latent.Query);
        Down = new PreparedProjection(decoder, latent.Down);
        LatentNorm = new PreparedNorm(decoder, latent.LatentNorm);
        AbsorbedKey = decoder.LatentForm == LatentForm.Expanded ? null : decoder.Weight(latent.AbsorbedKey);
        ExpandedKey = decoder.LatentForm == LatentForm.Absorbed ? null : decoder.Weight(latent.ExpandedKey);
        Value = decoder.Weight(latent.Value);

        // Expanding a position takes (plain + value) * latent multiply-adds a head, and saves this much for each query.
        long saved = latent.CachedWidth + latent.LatentWidth - latent.QueryWidth - attention.ValueWidth;
        BreakEvenTokens = saved <= 0 ? int.MaxValue : (latent.PlainWidth + attention.ValueWidth) * (long)latent.LatentWidth / saved;
    }

    public LatentAttentionDescription Description { get; }

    public PreparedProjection? QueryDown { get; }

    public PreparedNorm QueryNorm { get; }

    public PreparedProjection Query { get; }

    public PreparedProjection Down { get; }

    public PreparedNorm LatentNorm { get; }

    /// <summary>Null where only the expanded form runs.</summary>
    public Weight? AbsorbedKey { get; }

    /// <summary>Null where only the absorbed form runs.</summary>
    public Weight? ExpandedKey { get; }

    public Weight Value { get; }

    /// <summary>Tokens of a sequence in one step from which on the expanded form takes fewer operations.</summary>
    public long BreakEvenTokens { get; }
}
