namespace Moesaic.Models.Checkpoints.Gguf;

/// <summary>A tensor's directory entry, checked on its own but not yet against its neighbours.</summary>
/// <param name="Name">Unique within the file.</param>
/// <param name="Format">ggml type id; may be unknown.</param>
/// <param name="Dimensions">Fastest first, as stored.</param>
/// <param name="ElementCount">Product of the dimensions.</param>
/// <param name="ByteLength">Size of the data, or -1 where the format is unknown.</param>
/// <param name="DataOffset">Offset from the start of the data section.</param>
internal sealed record GgufTensorEntry(string Name, ElementFormat Format, long[] Dimensions, long ElementCount, long ByteLength, long DataOffset);

/// <summary>What a GGUF file says before its data.</summary>
/// <param name="Version">2 or 3.</param>
/// <param name="Metadata">The key-value part.</param>
/// <param name="Tensors">The tensor directory, in file order.</param>
/// <param name="DataStart">Absolute offset of the data section.</param>
internal sealed record GgufHeader(uint Version, GgufMetadata Metadata, IReadOnlyList<GgufTensorEntry> Tensors, long DataStart);
