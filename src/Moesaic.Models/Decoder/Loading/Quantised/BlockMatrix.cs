using System.Collections.Immutable;
using Moesaic.Interop;
using Moesaic.Models.Checkpoints;

namespace Moesaic.Models.Decoder;

/// <summary>A matrix whose codes and scales, put together, are blocks of a GGUF type, which devices may run as they are.</summary>
/// <param name="kind">How it is stored, for messages.</param>
/// <param name="cols">Columns of the logical matrix.</param>
/// <param name="blockFormat">The type of the blocks.</param>
/// <param name="tensors">Every tensor that it takes; the first holds the codes.</param>
internal abstract class BlockMatrix(string kind, long cols, ElementFormat blockFormat, ImmutableArray<CheckpointTensor> tensors)
    : QuantisedMatrix(kind, cols, tensors)
{
    /// <summary>The type of the blocks; null where a row does not fill whole ones, so that it has to be expanded.</summary>
    public ElementFormat? Blocks => Cols % BlockElements == 0 ? blockFormat : null;

    /// <summary>Bytes of a row in blocks, the last of which may be filled up with zeros.</summary>
    public int BlockRowBytes => checked((int)((Cols + BlockElements - 1) / BlockElements * BlockBytes));

    private int BlockElements => ElementFormats.TryGetBlock(blockFormat, out int elements, out _) ? elements : throw new InvalidOperationException($"{blockFormat} has no blocks.");

    private int BlockBytes => ElementFormats.TryGetBlock(blockFormat, out _, out int bytes) ? bytes : 0;

    /// <summary>Puts rows together.</summary>
    /// <param name="firstRow">First row.</param>
    /// <param name="step">Distance from one row to the next.</param>
    /// <param name="numRows">Number of rows.</param>
    /// <param name="target">[numRows, <see cref="BlockRowBytes"/>].</param>
    /// <exception cref="ModelFormatException">A stored scale is damaged.</exception>
    public void Assemble(long firstRow, long step, long numRows, Span<byte> target)
    {
        int rowBytes = BlockRowBytes;
        for (int i = 0; i < numRows; i++)
        {
            AssembleRow(firstRow + (i * step), target.Slice(i * rowBytes, rowBytes));
        }
    }

    /// <summary>What the values of a row are multiplied with; the same for all rows of an expert.</summary>
    public virtual float FactorOf(long row) => 1;

    public sealed override void Expand(long firstRow, long numRows, Span<float> target, LoadScratch scratch)
    {
        int cols = checked((int)Cols);
        int padded = BlockRowBytes / BlockBytes * BlockElements;
        Span<byte> blocks = scratch.Bytes(BlockRowBytes);
        Span<float> values = padded == cols ? default : scratch.Scales(padded);
        for (int i = 0; i < numRows; i++)
        {
            Span<float> row = target.Slice(i * cols, cols);
            AssembleRow(firstRow + i, blocks);
            if (values.IsEmpty)
            {
                Dequantizer.Dequantize((TensorFormat)blockFormat, blocks, row);
            }
            else
            {
                Dequantizer.Dequantize((TensorFormat)blockFormat, blocks, values);
                values[..cols].CopyTo(row);
            }

            float factor = FactorOf(firstRow + i);
            if (factor != 1)
            {
                foreach (ref float value in row)
                {
                    value *= factor;
                }
            }
        }
    }

    protected abstract void AssembleRow(long row, Span<byte> target);
}
