using Moesaic.Bindings;

namespace Moesaic.Interop;

/// <summary>How each row of a step is drawn; taken once at its maximum and refilled every step without allocation.</summary>
/// <remarks>Keeps the pinned arrays of its rows referenced until they are replaced. One thread at a time.</remarks>
public sealed unsafe class SamplingRows(int capacity)
{
    private const int OwnersPerRow = 3; // token counts, biases, mask

    private readonly PinnedArray<MscSamplingRow> _rows = new(capacity);
    private readonly object?[] _owners = new object?[capacity * OwnersPerRow];
    private readonly int[] _maskWords = new int[capacity]; // 0: no mask

    /// <summary>Rows that can be set.</summary>
    public int Capacity => _rows.Length;

    internal MscSamplingRow* Pointer(int row) => _rows.Pointer(row);

    /// <summary>Sets row <paramref name="index"/>.</summary>
    public void Set(int index, in SamplingRow row)
    {
        ref MscSamplingRow native = ref _rows[index];
        native = new MscSamplingRow
        {
            StructSize = (uint)sizeof(MscSamplingRow),
            Temperature = row.Temperature,
            TopK = row.TopK,
            TopP = row.TopP,
            MinP = row.MinP,
            RepetitionPenalty = row.RepetitionPenalty,
            PresencePenalty = row.PresencePenalty,
            FrequencyPenalty = row.FrequencyPenalty,
            Seed = row.Seed,
            SampleIndex = row.SampleIndex,
            NumTokenCounts = (uint)row.TokenCounts.Count,
            Position = row.Position,
            HostTokenCounts = (MscTokenCount*)row.TokenCounts.Pointer,
            HostBiases = (MscTokenBias*)row.Biases.Pointer,
            HostMask = row.Mask.Pointer,
            NumBiases = (uint)row.Biases.Count,
        };
        Span<object?> owners = _owners.AsSpan(index * OwnersPerRow, OwnersPerRow);
        owners[0] = row.TokenCounts.Owner;
        owners[1] = row.Biases.Owner;
        owners[2] = row.Mask.Owner;
        _maskWords[index] = row.Mask.Count;
    }

    /// <summary>First of <paramref name="numRows"/> rows from <paramref name="firstRow"/> on whose mask has fewer than
    /// <paramref name="words"/> words, which the native side reads without knowing their number; -1 when all are long enough.</summary>
    internal int FindShortMask(int firstRow, int numRows, long words)
    {
        for (int i = firstRow; i < firstRow + numRows; i++)
        {
            if (_maskWords[i] != 0 && _maskWords[i] < words)
            {
                return i;
            }
        }

        return -1;
    }
}
