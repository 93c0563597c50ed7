namespace Moesaic.Models.Decoder;

/// <summary>A linear map y = W x + b; the bias is optional.</summary>
public sealed record ProjectionDescription(MatrixSource Weight, VectorSource? Bias = null);
