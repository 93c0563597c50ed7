namespace Moesaic.Interop;

/// <summary>One weight of a linear layer and where its products go.</summary>
/// <param name="Weight">Dense, sealed, with as many columns as the input.</param>
/// <param name="Out">[M, rows of weight]; absent for the second weight of a gated epilogue.</param>
/// <param name="Bias">Optional [1, rows of weight].</param>
public readonly record struct LinearTarget(Weight Weight, Tensor Out = default, Tensor Bias = default);
