using System.Runtime.CompilerServices;
using Moesaic.Models.Checkpoints;

namespace Moesaic.Models.Decoder;

/// <summary>Rows of a matrix that is stored with its columns as rows.</summary>
internal static class TransposedRows
{
    // A tile of stored rows whose lines stay cached while their elements are spread over the rows of the target.
    private const int TileCols = 64;

    public static int ElementBytes(ElementFormat format) =>
        ElementFormats.TryGetBlock(format, out int elements, out int bytes) && elements == 1
            ? bytes
            : throw new InvalidOperationException($"A plan let a transposed tensor of type {format} through.");

    /// <summary>target[r, c] = source[c, r * step].</summary>
    /// <param name="source">The first element of the first stored row that is taken.</param>
    /// <param name="sourceCols">Elements of a stored row.</param>
    /// <param name="step">Distance between taken elements of a stored row.</param>
    /// <param name="numRows">Rows of the target.</param>
    /// <param name="cols">Columns of the target, and stored rows.</param>
    /// <param name="elementBytes">2 or 4.</param>
    /// <param name="target">Dense; longer than needed is fine.</param>
    public static unsafe void Gather(nint source, long sourceCols, long step, int numRows, int cols, int elementBytes, Span<byte> target)
    {
        fixed (byte* to = target)
        {
            if (elementBytes == sizeof(ushort))
            {
                Gather((ushort*)source, sourceCols, step, numRows, cols, (ushort*)to);
            }
            else if (elementBytes == sizeof(uint))
            {
                Gather((uint*)source, sourceCols, step, numRows, cols, (uint*)to);
            }
            else
            {
                throw new ArgumentOutOfRangeException(nameof(elementBytes), elementBytes, "Expected 2 or 4.");
            }
        }
    }

    private static unsafe void Gather<T>(T* source, long sourceCols, long step, int numRows, int cols, T* target)
        where T : unmanaged
    {
        for (int begin = 0; begin < cols; begin += TileCols)
        {
            int end = Math.Min(begin + TileCols, cols);
            for (int row = 0; row < numRows; row++)
            {
                T* from = source + (begin * sourceCols) + (row * step);
                T* to = target + ((long)row * cols);
                for (int col = begin; col < end; col++, from += sourceCols)
                {
                    // A tensor of a safetensors file may lie at any address.
                    to[col] = Unsafe.ReadUnaligned<T>(from);
                }
            }
        }
    }
}
