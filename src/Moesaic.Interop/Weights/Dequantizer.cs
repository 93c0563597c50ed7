using Moesaic.Bindings;

namespace Moesaic.Interop;

/// <summary>Element formats on the host: block sizes and exact dequantisation. Thread-safe; needs no device.</summary>
public static unsafe class Dequantizer
{
    /// <summary>Elements in one block of a format, and its bytes (1 and the element size when unblocked).</summary>
    /// <exception cref="NativeException">The format is unknown.</exception>
    public static (long Elements, long Bytes) Block(TensorFormat format)
    {
        NativeLibraryLoader.EnsureReady();
        ulong elements;
        ulong bytes;
        NativeMethods.MscFormatBlock((int)format, &elements, &bytes).ThrowOnError();
        return ((long)elements, (long)bytes);
    }

    /// <summary>Bytes of a row of <paramref name="cols"/> elements.</summary>
    /// <exception cref="ArgumentException">The row does not end with a block.</exception>
    public static long RowBytes(TensorFormat format, long cols)
    {
        (long elements, long bytes) = Block(format);
        return cols >= 0 && cols % elements == 0
            ? checked(cols / elements * bytes)
            : throw new ArgumentException($"A row of {cols} elements is no multiple of the {elements} elements of a {format} block.", nameof(cols));
    }

    /// <summary>Exact values of a number of whole blocks as float32.</summary>
    /// <param name="format">Any readable format.</param>
    /// <param name="source">The blocks of exactly as many elements as <paramref name="target"/> has.</param>
    /// <param name="target">Receives one value per element.</param>
    public static void Dequantize(TensorFormat format, ReadOnlySpan<byte> source, Span<float> target)
    {
        long needed = RowBytes(format, target.Length);
        if (source.Length != needed)
        {
            throw new ArgumentException($"{target.Length} {format} elements take {needed} bytes, not {source.Length}.", nameof(source));
        }

        fixed (byte* from = source)
        fixed (float* to = target)
        {
            NativeMethods.MscDequantize((int)format, from, (ulong)target.Length, to).ThrowOnError();
        }
    }
}
