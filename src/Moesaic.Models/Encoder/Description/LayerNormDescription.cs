using Moesaic.Models.Decoder;

namespace Moesaic.Models.Encoder;

/// <summary>weight * (x - mean) / sqrt(variance + epsilon) + bias (LayerNorm, Ba, Kiros and Hinton 2016).</summary>
public sealed record LayerNormDescription(VectorSource Weight, VectorSource? Bias, float Epsilon);
