using System.Buffers.Binary;
using System.Collections.Immutable;
using Moesaic.Models.Checkpoints;

namespace Moesaic.Models.Decoder;

/// <summary>
/// NVFP4: codes [.., rows, cols / 2], two consecutive elements a byte, E4M3 scales [.., rows, cols / 16], and a factor for the
/// whole tensor or for each expert. GGUF's blocks are four runs of 16 elements, of which each holds element j beside j + 8.
/// </summary>
/// <param name="kind">How it is stored, for messages.</param>
/// <param name="cols">Columns of the logical matrix.</param>
/// <param name="rowsOfFactor">Rows that share a factor.</param>
/// <param name="factors">Multipliers.</param>
/// <param name="tensors">Codes, scales, factors.</param>
internal sealed class Nvfp4Matrix(string kind, long cols, long rowsOfFactor, ImmutableArray<float> factors, ImmutableArray<CheckpointTensor> tensors)
    : BlockMatrix(kind, cols, ElementFormat.NVFP4, tensors)
{
    private const int Run = 16;
    private const int RunsOfBlock = 4;
    private const int BlockBytes = RunsOfBlock * (1 + (Run / 2));
    private const byte LargestScale = 0x7E;

    public override long RowBytes => Cols / 2;

    public override float FactorOf(long row) => factors[(int)(row / rowsOfFactor)];

    protected override void AssembleRow(long row, Span<byte> target)
    {
        int numRuns = checked((int)(Cols / Run));
        ReadOnlySpan<byte> stored = StoredNumbers.Bytes(Tensors[0], row * RowBytes, RowBytes);
        ReadOnlySpan<byte> scales = StoredNumbers.Bytes(Tensors[1], row * numRuns, numRuns);
        int damaged = scales.IndexOfAnyExceptInRange((byte)0, LargestScale);
        if (damaged >= 0)
        {
            throw new ModelFormatException(Tensors[1].File.Path, Tensors[1].Name, $"scale {damaged} of row {row} has the bits 0x{scales[damaged]:X2}; expected an E4M3 number that is not negative. The file is damaged.");
        }

        if (numRuns % RunsOfBlock != 0)
        {
            target[^BlockBytes..].Clear();
        }

        for (int i = 0; i < numRuns; i++)
        {
            ReadOnlySpan<byte> from = stored.Slice(i * Run / 2, Run / 2);
            Span<byte> block = target.Slice(i / RunsOfBlock * BlockBytes, BlockBytes);
            block[i % RunsOfBlock] = scales[i];
            ulong low = StoredNumbers.SpreadNibbles(BinaryPrimitives.ReadUInt32LittleEndian(from));
            ulong high = StoredNumbers.SpreadNibbles(BinaryPrimitives.ReadUInt32LittleEndian(from[4..]));
            BinaryPrimitives.WriteUInt64LittleEndian(block[(RunsOfBlock + (i % RunsOfBlock * Run / 2))..], low | (high << 4));
        }
    }
}
