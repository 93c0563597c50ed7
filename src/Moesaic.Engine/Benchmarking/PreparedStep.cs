using Moesaic.Interop;
using Moesaic.Models.Decoder;

namespace Moesaic.Engine.Benchmarking;

/// <summary>The arrays of a step, made before the clock runs.</summary>
internal sealed class PreparedStep
{
    private readonly int[] _tokenIds;
    private readonly int[] _positions;
    private readonly int[] _offsets;
    private readonly int[] _logitRows;
    private readonly int[] _pages;
    private readonly int _pagesStride;

    private PreparedStep(DecoderExecutor executor, IReadOnlyList<Part> parts, Random random)
    {
        List<int> positions = [];
        List<int> logitRows = [];
        _offsets = new int[parts.Count + 1];
        _pagesStride = executor.PagesPerSequence;
        _pages = new int[executor.NumKvGroups * parts.Count * _pagesStride];
        for (int i = 0; i < parts.Count; i++)
        {
            positions.AddRange(Enumerable.Range(parts[i].Begin, parts[i].Count));
            _offsets[i + 1] = positions.Count;
            if (parts[i].WantsLogits)
            {
                logitRows.Add(positions.Count - 1);
            }

            for (int group = 0; group < executor.NumKvGroups; group++)
            {
                for (int page = 0; page < _pagesStride; page++)
                {
                    _pages[(((group * parts.Count) + i) * _pagesStride) + page] = (parts[i].Sequence * _pagesStride) + page;
                }
            }
        }

        _positions = [.. positions];
        _logitRows = [.. logitRows];
        _tokenIds = new int[_positions.Length];
        foreach (ref int id in _tokenIds.AsSpan())
        {
            id = random.Next(executor.Description.VocabularySize);
        }
    }

    public BatchContent Content => new()
    {
        TokenIds = _tokenIds,
        Positions = _positions,
        QueryOffsets = _offsets,
        LogitRows = _logitRows,
        PageTables = _pages,
        PagesStride = _pagesStride,
    };

    /// <summary>The steps that run whole prompts of random tokens, sequence after sequence, in full chunks.</summary>
    public static PreparedStep[] Prefill(DecoderExecutor executor, int promptLength, int batch, int chunk, Random random)
    {
        List<PreparedStep> steps = [];
        List<Part> parts = [];
        int room = chunk;
        for (int sequence = 0; sequence < batch; sequence++)
        {
            for (int begin = 0; begin < promptLength;)
            {
                int count = Math.Min(room, promptLength - begin);
                parts.Add(new Part(sequence, begin, count, begin + count == promptLength));
                begin += count;
                room -= count;
                if (room == 0)
                {
                    steps.Add(new PreparedStep(executor, parts, random));
                    parts = [];
                    room = chunk;
                }
            }
        }

        if (parts.Count > 0)
        {
            steps.Add(new PreparedStep(executor, parts, random));
        }

        return [.. steps];
    }

    /// <summary>One step for each generated token: the next position of every sequence, with random tokens.</summary>
    public static PreparedStep[] Decode(DecoderExecutor executor, int promptLength, int generated, int batch, Random random) =>
    [
        .. Enumerable.Range(promptLength, generated).Select(position =>
            new PreparedStep(executor, [.. Enumerable.Range(0, batch).Select(sequence => new Part(sequence, position, 1, true))], random)),
    ];

    private sealed record Part(int Sequence, int Begin, int Count, bool WantsLogits);
}
