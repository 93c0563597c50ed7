using System.Runtime.CompilerServices;
using Moesaic.Bindings;

namespace Moesaic.Interop;

/// <summary>A 2-D view of device memory: element (r, c) lies at
/// <c>OffsetBytes + (r * RowStride + c) * element size</c>. The default value is the absent optional tensor.</summary>
/// <param name="Buffer">The memory; null for an absent tensor.</param>
/// <param name="OffsetBytes">First element.</param>
/// <param name="Rows">Number of rows.</param>
/// <param name="Cols">Elements of a row.</param>
/// <param name="RowStride">Elements from one row to the next; at least <paramref name="Cols"/>.</param>
/// <param name="Format">A format without blocks, e.g. <see cref="TensorFormat.F32"/>.</param>
public readonly record struct Tensor(
    DeviceBuffer? Buffer, long OffsetBytes, long Rows, long Cols, long RowStride, TensorFormat Format)
{
    /// <summary>Whether this is no tensor at all.</summary>
    public bool IsAbsent => Buffer is null;

    /// <summary>Bytes of one element.</summary>
    public int ElementBytes => SizeOf(Format);

    /// <summary>Rows that follow one another without a gap.</summary>
    public static Tensor Dense(DeviceBuffer buffer, long rows, long cols, TensorFormat format = TensorFormat.F32, long offsetBytes = 0) =>
        new(buffer, offsetBytes, rows, cols, cols, format);

    /// <summary>Rows [begin, begin + count).</summary>
    public Tensor SliceRows(long begin, long count)
    {
        CheckSlice(begin, count, Rows);
        return this with { OffsetBytes = OffsetBytes + (begin * RowStride * ElementBytes), Rows = count };
    }

    /// <summary>Columns [begin, begin + count).</summary>
    public Tensor SliceColumns(long begin, long count)
    {
        CheckSlice(begin, count, Cols);
        return this with { OffsetBytes = OffsetBytes + (begin * ElementBytes), Cols = count };
    }

    /// <summary>The elements of a single row as <paramref name="rows"/> rows of equal width; an absent tensor stays absent.</summary>
    /// <exception cref="InvalidOperationException">There is more than one row, or its width is no multiple of the number.</exception>
    public Tensor SplitRows(long rows) => IsAbsent ? this
        : Rows == 1 && rows > 0 && Cols % rows == 0 ? this with { Rows = rows, Cols = Cols / rows, RowStride = Cols / rows }
        : throw new InvalidOperationException($"A tensor [{Rows}, {Cols}] cannot be taken as {rows} equal rows.");

    /// <summary>Bytes of one element of a format without blocks.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The format has blocks.</exception>
    public static int SizeOf(TensorFormat format) => format switch
    {
        TensorFormat.I8 or TensorFormat.U8 or TensorFormat.F8_E4M3 => 1,
        TensorFormat.F16 or TensorFormat.BF16 or TensorFormat.I16 => 2,
        TensorFormat.F32 or TensorFormat.I32 or TensorFormat.U32 => 4,
        TensorFormat.F64 or TensorFormat.I64 => 8,
        _ => throw new ArgumentOutOfRangeException(nameof(format), format, "A tensor's format has no blocks; weights hold those."),
    };

    internal unsafe MscTensor ToNative() => Buffer is null ? default : new MscTensor
    {
        Buffer = Buffer.Native,
        OffsetBytes = (ulong)OffsetBytes,
        Rows = Rows,
        Cols = Cols,
        RowStride = RowStride,
        Format = (int)Format,
    };

    private static void CheckSlice(long begin, long count, long size)
    {
        if (begin < 0 || count < 0 || begin > size - count)
        {
            ThrowSlice(begin, count, size);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ThrowSlice(long begin, long count, long size) => throw new ArgumentOutOfRangeException(
        nameof(begin), $"Slice [{begin}, {begin} + {count}) does not lie in [0, {size}).");
}
