namespace Moesaic.Models.Decoder;

/// <summary>
/// h = x + attention(norm(x), encoder's output): queries of the decoder's tokens over keys and values of all of the input's.
/// The attention has three input projections; the first one takes the decoder's tokens, the others the encoder's output.
/// </summary>
public sealed record CrossAttentionDescription(NormDescription Norm, AttentionDescription Attention);
