using System.Collections.Immutable;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Decoder;

namespace Moesaic.Models.Export;

/// <summary>What became of a tensor.</summary>
/// <param name="Name">In the file.</param>
/// <param name="Shape">Row-major.</param>
/// <param name="Source">How the checkpoint stores it, in words; null for what was worked out.</param>
/// <param name="Format">As written.</param>
/// <param name="Bytes">As written.</param>
/// <param name="RelativeError">Root of the squared error over the squared values, by exact dequantisation of what was written.</param>
/// <param name="IsFallback">Whether its rows did not fit the wanted format's blocks.</param>
public sealed record ExportedTensor(string Name, ImmutableArray<long> Shape, string? Source, ElementFormat Format, long Bytes, double RelativeError, bool IsFallback);

/// <summary>What was written.</summary>
/// <param name="Path">The file.</param>
/// <param name="Tensors">In the file's order.</param>
/// <param name="FileBytes">Its length.</param>
/// <param name="HasTokenizer">Whether the checkpoint had a tokenizer to write.</param>
public sealed record ExportReport(string Path, ImmutableArray<ExportedTensor> Tensors, long FileBytes, bool HasTokenizer)
{
    /// <summary>Tensors of the checkpoint that are no part of the file, and why.</summary>
    public ImmutableArray<IgnoredTensor> LeftOut { get; init; } = [];
}

/// <summary>How far an export is.</summary>
/// <param name="ElementsDone">Elements written.</param>
/// <param name="ElementsTotal">Elements of all tensors.</param>
public readonly record struct ExportProgress(long ElementsDone, long ElementsTotal);
