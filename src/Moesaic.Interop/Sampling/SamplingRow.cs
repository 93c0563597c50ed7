namespace Moesaic.Interop;

/// <summary>How one row is drawn. A new row (<c>new SamplingRow()</c>) is greedy with every step switched off.</summary>
public readonly record struct SamplingRow
{
    public SamplingRow()
    {
    }

    /// <summary>0 or less: greedy (argmax, lowest id on a tie).</summary>
    public float Temperature { get; init; }

    /// <summary>0: off.</summary>
    public int TopK { get; init; }

    /// <summary>1: off; in (0, 1].</summary>
    public float TopP { get; init; } = 1;

    /// <summary>0: off; in [0, 1).</summary>
    public float MinP { get; init; }

    /// <summary>1: off; above 0.</summary>
    public float RepetitionPenalty { get; init; } = 1;

    /// <summary>0: off.</summary>
    public float PresencePenalty { get; init; }

    /// <summary>0: off.</summary>
    public float FrequencyPenalty { get; init; }

    /// <summary>Key of the draw, together with <see cref="SampleIndex"/> and <see cref="Position"/> (Philox4x32-10).</summary>
    public ulong Seed { get; init; }

    public uint SampleIndex { get; init; }

    public ulong Position { get; init; }

    /// <summary>Sorted by id, no id twice.</summary>
    public PinnedSlice<TokenCount> TokenCounts { get; init; }

    public PinnedSlice<TokenBias> Biases { get; init; }

    /// <summary>Optional bit mask of (vocabulary + 31) / 32 words: token i may be drawn iff bit i % 32 of word i / 32 is set.</summary>
    public PinnedSlice<uint> Mask { get; init; }
}
