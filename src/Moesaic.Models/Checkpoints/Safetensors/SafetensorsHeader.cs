namespace Moesaic.Models.Checkpoints.Safetensors;

/// <summary>A tensor's record in the header, checked on its own but not yet against its neighbours.</summary>
/// <param name="Name">Unique within the file.</param>
/// <param name="Format">Element type.</param>
/// <param name="Shape">Row-major.</param>
/// <param name="ElementCount">Product of the shape; zero is allowed.</param>
/// <param name="Begin">First data byte, counted from the end of the header.</param>
/// <param name="End">One past the last data byte.</param>
internal sealed record SafetensorsEntry(string Name, ElementFormat Format, long[] Shape, long ElementCount, long Begin, long End);

/// <summary>What a safetensors file says before its data.</summary>
/// <param name="Metadata">The free-form <c>__metadata__</c> strings.</param>
/// <param name="Tensors">In the order of the header.</param>
/// <param name="DataStart">Absolute offset of the data section.</param>
internal sealed record SafetensorsHeader(IReadOnlyDictionary<string, string> Metadata, IReadOnlyList<SafetensorsEntry> Tensors, long DataStart);
