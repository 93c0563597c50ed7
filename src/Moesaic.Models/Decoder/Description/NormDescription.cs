namespace Moesaic.Models.Decoder;

/// <summary>An RMSNorm: weight * x / sqrt(mean(x^2) + epsilon) (Zhang and Sennrich 2019).</summary>
public sealed record NormDescription(VectorSource Weight, float Epsilon);
