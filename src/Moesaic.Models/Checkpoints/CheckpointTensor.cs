using System.Collections.Immutable;

namespace Moesaic.Models.Checkpoints;

/// <summary>
/// A tensor as it lies in a checkpoint, whichever container holds it: name, encoding, logical shape and place.
/// The data starts at any byte offset: nothing may be assumed about its alignment.
/// </summary>
public sealed class CheckpointTensor
{
    private readonly long _byteLength;

    internal CheckpointTensor(string name, ElementFormat format, ImmutableArray<long> shape, long elementCount, long byteLength, long offset, CheckpointFile file)
    {
        Name = name;
        Format = format;
        Shape = shape;
        ElementCount = elementCount;
        _byteLength = byteLength;
        Offset = offset;
        File = file;
    }

    /// <summary>The tensor's name in the checkpoint.</summary>
    public string Name { get; }

    /// <summary>How the elements are encoded. May be a ggml type id without a known layout; see <see cref="HasKnownLayout"/>.</summary>
    public ElementFormat Format { get; }

    /// <summary>
    /// Row-major shape, slowest dimension first: [out, in] for a Linear weight, [experts, out, in] for a stack.
    /// (GGUF stores dimensions fastest first; they are reversed here.) Empty for a scalar.
    /// </summary>
    public ImmutableArray<long> Shape { get; }

    /// <summary>Product of the shape.</summary>
    public long ElementCount { get; }

    /// <summary>False for a ggml type that this program does not know; its size is then unknown too.</summary>
    public bool HasKnownLayout => _byteLength >= 0;

    /// <summary>Size of the data in bytes.</summary>
    /// <exception cref="ModelFormatException">The format's layout is not known.</exception>
    public long ByteLength => HasKnownLayout ? _byteLength : throw UnknownFormat();

    /// <summary>Byte offset of the data from the start of <see cref="File"/>.</summary>
    public long Offset { get; }

    /// <summary>The file that holds the data.</summary>
    public CheckpointFile File { get; }

    /// <summary>
    /// Address of the first data byte inside the file's mapping; valid until the checkpoint is disposed.
    /// </summary>
    /// <exception cref="ModelFormatException">The format's layout is not known, or the file cannot be mapped.</exception>
    internal nint Pointer => HasKnownLayout ? checked(File.Mapping.Pointer + (nint)Offset) : throw UnknownFormat();

    /// <summary>Says that the data will not be read again soon (it was repacked); see <see cref="IFileMapping.Release"/>.</summary>
    internal void Release() => File.Mapping.Release(Offset, ByteLength);

    /// <summary>Copies data bytes out, from <paramref name="start"/> on, for small tensors and tools.</summary>
    /// <exception cref="ModelFormatException">The format's layout is not known, or the file cannot be mapped.</exception>
    public unsafe void CopyBytes(long start, Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, ByteLength - destination.Length);
        new ReadOnlySpan<byte>((void*)(Pointer + (nint)start), destination.Length).CopyTo(destination);
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Name} {ElementFormats.NameOf(Format)} [{string.Join(", ", Shape)}]";

    private ModelFormatException UnknownFormat() =>
        new(File.Path, Name, $"its type is {ElementFormats.NameOf(Format)}, which this program cannot read; use a file quantised to a supported type.");
}
