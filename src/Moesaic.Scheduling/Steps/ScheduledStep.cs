namespace Moesaic.Scheduling;

/// <summary>
/// What one step runs, in the arrays that the executor's batch takes. Owned by the scheduler: valid until it is given to
/// <see cref="Scheduler.Complete"/> or <see cref="Scheduler.Abort"/>; the arrays are then used again.
/// </summary>
public sealed class ScheduledStep
{
    /// <summary>The id of a token that is still being drawn; see <see cref="PlaceholderRows"/>.</summary>
    public const int Placeholder = -1;

    private readonly int[] _tokenIds;
    private readonly int[] _positions;
    private readonly int[] _queryOffsets;
    private readonly int[] _logitRows;
    private readonly int[] _placeholderRows;
    private readonly int[] _placeholderSamples;
    private readonly int[] _sampleLogits;
    private readonly int[] _samplePositions;
    private readonly int[] _pageTables;
    private readonly Sequence[] _sequences;
    private readonly int[] _stays;
    private readonly Sequence[] _sampled;
    private readonly int[] _sampledStays;

    internal ScheduledStep(SchedulerOptions options)
    {
        int sequences = options.MaxSequences;
        _tokenIds = new int[options.MaxTokensPerStep];
        _positions = new int[options.MaxTokensPerStep];
        _queryOffsets = new int[sequences + 1];
        _logitRows = new int[options.LogitRows];
        _placeholderRows = new int[sequences];
        _placeholderSamples = new int[sequences];
        _sampleLogits = new int[sequences];
        _samplePositions = new int[sequences];
        _sequences = new Sequence[sequences];
        _stays = new int[sequences];
        _sampled = new Sequence[sequences];
        _sampledStays = new int[sequences];
        int stride = options.KvGroups.Max(g => g.BlocksOf(options.MaxContext));
        _pageTables = new int[checked(options.KvGroups.Length * sequences * stride)];
        Copies = [.. options.KvGroups.Select(_ => new BlockCopies(sequences))];
    }

    /// <summary>Counts from 1, without gaps.</summary>
    public long Id { get; private set; }

    /// <summary>The step whose draws the placeholders stand for; 0: all tokens are known.</summary>
    public long SourceStep { get; private set; }

    public int NumTokens { get; private set; }

    public int NumSequences { get; private set; }

    public int NumLogitRows { get; private set; }

    public int NumPlaceholders { get; private set; }

    /// <summary>Tokens to draw. Samples of one request that share their prompt are drawn from the same row.</summary>
    public int NumSamples { get; private set; }

    /// <summary>[tokens]; <see cref="Placeholder"/> where the id is not known yet.</summary>
    public ReadOnlySpan<int> TokenIds => _tokenIds.AsSpan(0, NumTokens);

    /// <summary>[tokens]</summary>
    public ReadOnlySpan<int> Positions => _positions.AsSpan(0, NumTokens);

    /// <summary>[sequences + 1]</summary>
    public ReadOnlySpan<int> QueryOffsets => _queryOffsets.AsSpan(0, NumSequences + 1);

    /// <summary>[sequences]</summary>
    public ReadOnlySpan<Sequence> Sequences => _sequences.AsSpan(0, NumSequences);

    /// <summary>Ascending token rows whose logits are wanted.</summary>
    public ReadOnlySpan<int> LogitRows => _logitRows.AsSpan(0, NumLogitRows);

    /// <summary>Token rows whose id is drawn in <see cref="SourceStep"/>.</summary>
    public ReadOnlySpan<int> PlaceholderRows => _placeholderRows.AsSpan(0, NumPlaceholders);

    /// <summary>For each of <see cref="PlaceholderRows"/>: the sample of <see cref="SourceStep"/> that it takes.</summary>
    public ReadOnlySpan<int> PlaceholderSamples => _placeholderSamples.AsSpan(0, NumPlaceholders);

    /// <summary>[samples]: whose token is drawn.</summary>
    public ReadOnlySpan<Sequence> SampleSequences => _sampled.AsSpan(0, NumSamples);

    /// <summary>[samples]: index into <see cref="LogitRows"/>.</summary>
    public ReadOnlySpan<int> SampleLogits => _sampleLogits.AsSpan(0, NumSamples);

    /// <summary>[samples]: position of the drawn token in its sequence.</summary>
    public ReadOnlySpan<int> SamplePositions => _samplePositions.AsSpan(0, NumSamples);

    /// <summary>Entries of a sequence's page table.</summary>
    public int PagesStride { get; private set; }

    /// <summary>[KV groups, sequences, <see cref="PagesStride"/>] block numbers; -1 where nothing is read.</summary>
    public ReadOnlySpan<int> PageTables => _pageTables.AsSpan(0, Copies.Length * NumSequences * PagesStride);

    /// <summary>Blocks of a group to copy, before anything of this step is written; in any order.</summary>
    public ReadOnlySpan<int> CopySources(int group) => Copies[group].Sources;

    /// <summary>Where each of <see cref="CopySources"/> goes.</summary>
    public ReadOnlySpan<int> CopyTargets(int group) => Copies[group].Targets;

    internal BlockCopies[] Copies { get; }

    internal bool IsSampleCurrent(int sample) => _sampled[sample].Stay == _sampledStays[sample];

    internal bool IsSequenceCurrent(int index) => _sequences[index].Stay == _stays[index];

    internal int EndPosition(int index) => _positions[_queryOffsets[index + 1] - 1] + 1;

    internal void Begin(long id)
    {
        Id = id;
        SourceStep = 0;
        NumTokens = 0;
        NumSequences = 0;
        NumLogitRows = 0;
        NumPlaceholders = 0;
        NumSamples = 0;
        PagesStride = 0;
        foreach (BlockCopies copies in Copies)
        {
            copies.Clear();
        }
    }

    /// <summary>Adds the sequence's next tokens; known ones, but for a single pending one.</summary>
    internal void AddRows(Sequence sequence, int count)
    {
        int row = NumTokens;
        int begin = sequence.NumScheduled;
        Span<int> ids = _tokenIds.AsSpan(row, count);
        if (begin >= sequence.NumTokens)
        {
            ids[0] = Placeholder;
            _placeholderRows[NumPlaceholders] = row;
            _placeholderSamples[NumPlaceholders++] = sequence.PendingSample;
            SourceStep = Id - 1;
        }
        else
        {
            sequence.CopyTokens(begin, ids);
        }

        for (int i = 0; i < count; i++)
        {
            _positions[row + i] = begin + i;
        }

        _sequences[NumSequences] = sequence;
        _stays[NumSequences++] = sequence.Stay;
        NumTokens += count;
        _queryOffsets[NumSequences] = NumTokens;
    }

    /// <summary>Asks for the logits of rows; they come after those asked for before.</summary>
    internal void AddLogits(int firstRow, int count)
    {
        for (int row = firstRow; row < firstRow + count; row++)
        {
            _logitRows[NumLogitRows++] = row;
        }
    }

    /// <summary>Adds a draw from the last row of logits.</summary>
    internal void AddSample(Sequence sequence, int position)
    {
        _sampled[NumSamples] = sequence;
        _sampledStays[NumSamples] = sequence.Stay;
        _sampleLogits[NumSamples] = NumLogitRows - 1;
        _samplePositions[NumSamples++] = position;
    }

    /// <summary>Takes the page tables as they are now.</summary>
    internal void ReadTables(KvManager kv)
    {
        for (int i = 0; i < NumSequences; i++)
        {
            for (int g = 0; g < Copies.Length; g++)
            {
                PagesStride = Math.Max(PagesStride, kv.TableLength(_sequences[i].Seat, g));
            }
        }

        Span<int> target = _pageTables;
        for (int g = 0; g < Copies.Length; g++)
        {
            for (int i = 0; i < NumSequences; i++)
            {
                ReadOnlySpan<int> table = kv.Table(_sequences[i].Seat, g);
                table.CopyTo(target);
                target[table.Length..PagesStride].Fill(-1);
                target = target[PagesStride..];
            }
        }
    }

    /// <summary>Lets go of the sequences.</summary>
    internal void Clear()
    {
        Array.Clear(_sequences, 0, NumSequences);
        Array.Clear(_sampled, 0, NumSamples);
    }
}
