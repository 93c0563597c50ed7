using System.Collections.Immutable;

namespace Moesaic.Models.Decoder;

/// <summary>A float32 vector of the model (norm weight, bias, selection bias) and where it is stored.</summary>
/// <param name="Tensor">Name of the stored tensor.</param>
/// <param name="Length">Number of elements of the vector.</param>
/// <param name="TensorLength">Number of elements of the stored tensor; more than <paramref name="Length"/> where several vectors are stored as one.</param>
/// <param name="Offset">First element of the vector within the stored tensor.</param>
/// <param name="Add">Added to each element: 1 for the families that store a norm's weight less one.</param>
public sealed record VectorSource(string Tensor, long Length, long TensorLength, long Offset = 0, float Add = 0)
{
    /// <summary>A vector stored as a tensor of its own.</summary>
    public static VectorSource Whole(string tensor, long length) => new(tensor, length, length);

    /// <summary>Shape that the stored tensor must have.</summary>
    public ImmutableArray<long> TensorShape => [TensorLength];
}
