namespace Moesaic.Interop;

/// <summary>A weight as the device holds it.</summary>
/// <param name="Format">Format of the source data.</param>
/// <param name="NumExperts">Matrices held.</param>
/// <param name="Rows">Output features of one matrix.</param>
/// <param name="Cols">Input features.</param>
/// <param name="PackedBytesPerExpert">Bytes of one matrix as packed: what a decode step streams from memory.</param>
/// <param name="PackedBytes">Bytes of all matrices as packed.</param>
public sealed record WeightInfo(
    TensorFormat Format, long NumExperts, long Rows, long Cols, long PackedBytesPerExpert, long PackedBytes);
