namespace Moesaic.Models.Decoder;

/// <summary>
/// How latent attention is computed. Absorbed and expanded agree up to rounding, not in their bits, so one form serves all
/// positions of a model unless <see cref="Mixed"/> is asked for. See <c>src/decisions/latent-attention.md</c>.
/// </summary>
public enum LatentForm
{
    /// <summary>Queries are taken into the latent space and attend to the cached latents: cheap decoding. Batch-invariant.</summary>
    Absorbed,

    /// <summary>Keys and values of all visible positions are computed anew in every step. Batch-invariant.</summary>
    Expanded,

    /// <summary>
    /// Steps of many tokens a sequence run expanded, which takes fewer operations, others absorbed. Gives up that a request has
    /// the same bits alone or in a batch, in any chunking, with or without cached prefixes; holds one weight twice.
    /// </summary>
    Mixed,
}
