using Moesaic.Interop;
using Moesaic.Models.Decoder;

namespace Moesaic.Engine;

/// <summary>Which parts of which sequences one step of scoring runs, and the cache pages of each.</summary>
internal sealed class StepPlan
{
    private readonly List<Part> _parts = [];

    private int NumTokens => _parts.Sum(static p => p.Count);

    /// <summary>Fills steps with sequences in order; a sequence that does not fit goes on in the next step.</summary>
    public static IEnumerable<StepPlan> Pack(IReadOnlyList<int[]> sequences, DecoderExecutor executor)
    {
        int maxTokens = executor.Options.MaxTokens;
        StepPlan step = new();
        int room = maxTokens;

        // Pages are handed out in a ring: only the sequence that goes on still needs its own.
        int page = 0;
        for (int s = 0; s < sequences.Count; s++)
        {
            int length = sequences[s].Length;
            int pages = ((length - 1) / executor.PageTokens) + 1;
            int firstPage = page + pages <= executor.NumPages ? page : 0;
            page = firstPage + pages;
            for (int begin = 0; begin < length;)
            {
                if (room == 0 || step._parts.Count == executor.Options.MaxSequences || (step._parts.Count > 0 && step.Overlaps(firstPage, pages)))
                {
                    yield return step;
                    step = new StepPlan();
                    room = maxTokens;
                }

                int count = Math.Min(room, length - begin);
                step._parts.Add(new Part(s, begin, count, firstPage, pages));
                begin += count;
                room -= count;
            }
        }

        if (step._parts.Count > 0)
        {
            yield return step;
        }
    }

    /// <param name="sequences">Token ids.</param>
    /// <param name="executor">The executor that will run them.</param>
    /// <param name="shifted">Each token replaced with its successor, for the multi-token-prediction layer.</param>
    public BatchContent Content(IReadOnlyList<int[]> sequences, DecoderExecutor executor, bool shifted)
    {
        int numTokens = NumTokens;
        int[] positions = new int[numTokens];
        int[] ids = new int[numTokens];
        int[] rows = new int[numTokens];
        int[] offsets = new int[_parts.Count + 1];
        ForEachRow((row, sequence, position) =>
        {
            rows[row] = row;
            positions[row] = position;
            int[] tokens = sequences[sequence];
            int at = shifted ? position + 1 : position;
            ids[row] = at < tokens.Length ? tokens[at] : 0;
        });
        int groups = shifted ? 1 : executor.NumKvGroups;
        int stride = _parts.Max(static p => p.NumPages);
        int[] pages = new int[groups * _parts.Count * stride];
        for (int i = 0; i < _parts.Count; i++)
        {
            offsets[i + 1] = offsets[i] + _parts[i].Count;
            for (int g = 0; g < groups; g++)
            {
                for (int j = 0; j < _parts[i].NumPages; j++)
                {
                    pages[(((g * _parts.Count) + i) * stride) + j] = _parts[i].FirstPage + j;
                }
            }
        }

        return new BatchContent { TokenIds = ids, Positions = positions, QueryOffsets = offsets, LogitRows = rows, PageTables = pages, PagesStride = stride };
    }

    /// <summary>The token after each row's; 0 for the last of a sequence.</summary>
    public int[] NextTokens(IReadOnlyList<int[]> sequences)
    {
        int[] next = new int[NumTokens];
        ForEachRow((row, sequence, position) => next[row] = position + 1 < sequences[sequence].Length ? sequences[sequence][position + 1] : 0);
        return next;
    }

    /// <summary>Calls with row, sequence and position.</summary>
    public void ForEachRow(Action<int, int, int> action)
    {
        int row = 0;
        foreach (Part part in _parts)
        {
            for (int i = 0; i < part.Count; i++)
            {
                action(row++, part.Sequence, part.Begin + i);
            }
        }
    }

    private bool Overlaps(int firstPage, int numPages) =>
        _parts.Exists(p => firstPage < p.FirstPage + p.NumPages && p.FirstPage < firstPage + numPages);

    private sealed record Part(int Sequence, int Begin, int Count, int FirstPage, int NumPages);
}
