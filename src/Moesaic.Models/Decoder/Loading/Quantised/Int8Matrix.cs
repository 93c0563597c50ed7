using Moesaic.Models.Checkpoints;

namespace Moesaic.Models.Decoder;

/// <summary>Signed bytes, row by row; taken as unsigned codes 128 higher.</summary>
internal sealed class Int8Matrix(string kind, long cols, CheckpointTensor codes, CheckpointTensor scales, CheckpointTensor? zeros, ScaleGrid grid, ZeroGrid? zeroGrid, int groupColumns)
    : IntegerMatrix(kind, 8, cols, grid.NumGroups, groupColumns, null, zeros is null ? [codes, scales] : [codes, scales, zeros])
{
    private const int Middle = 128;

    public override long RowBytes => Cols;

    protected override void ReadCodes(long firstRow, int numRows, Span<byte> target)
    {
        StoredNumbers.Bytes(Tensors[0], firstRow * Cols, numRows * Cols).CopyTo(target);
        foreach (ref byte code in target)
        {
            code ^= Middle;
        }
    }

    protected override void ReadScales(long firstRow, int numRows, Span<float> target) => grid.Read(firstRow, numRows, target);

    protected override void ReadZeros(long firstRow, int numRows, Span<short> target)
    {
        if (zeroGrid is null)
        {
            target.Fill(Middle);
            return;
        }

        zeroGrid.Read(firstRow, numRows, target);
        foreach (ref short zero in target)
        {
            zero += Middle;
        }
    }
}
