using Moesaic.Interop;
using Moesaic.Models.Decoder;

namespace Moesaic.Models.Tests.Decoder;

/// <summary>Tokens [Begin, Begin + Count) of a sequence within one step.</summary>
internal readonly record struct Piece(int Sequence, int Begin, int Count);

/// <summary>Runs sequences through an executor in any schedule and collects the logits of every position.</summary>
internal sealed class SequenceRunner(DecoderExecutor executor, int[][] sequences)
{
    /// <summary>Logits by sequence and position.</summary>
    public float[][][] Logits { get; } = [.. sequences.Select(s => new float[s.Length][])];

    /// <summary>Logits of the multi-token-prediction layer.</summary>
    public float[][][] MtpLogits { get; } = [.. sequences.Select(s => new float[s.Length][])];

    /// <summary>Called after each step, before the next.</summary>
    public Action<IReadOnlyList<Piece>, int>? AfterStep { get; set; }

    public Action<IReadOnlyList<Piece>, int>? BeforeStep { get; set; }

    public void Run(IEnumerable<IReadOnlyList<Piece>> steps, bool mtp = false)
    {
        foreach (IReadOnlyList<Piece> step in steps)
        {
            int tokens = step.Sum(p => p.Count);
            BeforeStep?.Invoke(step, tokens);
            executor.Run(Content(step, mtp: false));
            Collect(step, Logits);
            AfterStep?.Invoke(step, tokens);
            if (mtp)
            {
                executor.RunMtp(Content(step, mtp: true));
                Collect(step, MtpLogits);
            }
        }
    }

    /// <summary>One sequence after the other, in chunks.</summary>
    public static IEnumerable<IReadOnlyList<Piece>> Alone(int[][] sequences, int chunk)
    {
        for (int s = 0; s < sequences.Length; s++)
        {
            for (int begin = 0; begin < sequences[s].Length; begin += chunk)
            {
                yield return [new Piece(s, begin, Math.Min(chunk, sequences[s].Length - begin))];
            }
        }
    }

    /// <summary>All sequences in each step, with chunks of different sizes.</summary>
    public static IEnumerable<IReadOnlyList<Piece>> Together(int[][] sequences, params int[] chunks)
    {
        int[] done = new int[sequences.Length];
        while (true)
        {
            List<Piece> step = [];
            for (int s = 0; s < sequences.Length; s++)
            {
                int count = Math.Min(chunks[s % chunks.Length], sequences[s].Length - done[s]);
                if (count > 0)
                {
                    step.Add(new Piece(s, done[s], count));
                    done[s] += count;
                }
            }

            if (step.Count == 0)
            {
                yield break;
            }

            yield return step;
        }
    }

    private BatchContent Content(IReadOnlyList<Piece> step, bool mtp)
    {
        int groups = mtp ? 1 : executor.NumKvGroups;
        int[] pages = new int[groups * step.Count * executor.PagesPerSequence];
        int at = 0;
        for (int g = 0; g < groups; g++)
        {
            foreach (Piece piece in step)
            {
                for (int j = 0; j < executor.PagesPerSequence; j++)
                {
                    // Pages of a sequence are spread out on purpose.
                    pages[at++] = (j * 8) + ((piece.Sequence + j) % 8);
                }
            }
        }

        int[] ids = [.. step.SelectMany(p => Enumerable.Range(p.Begin, p.Count).Select(i => mtp ? (i + 1 < sequences[p.Sequence].Length ? sequences[p.Sequence][i + 1] : 0) : sequences[p.Sequence][i]))];
        int[] offsets = new int[step.Count + 1];
        for (int i = 0; i < step.Count; i++)
        {
            offsets[i + 1] = offsets[i] + step[i].Count;
        }

        return new BatchContent
        {
            TokenIds = ids,
            Positions = step.SelectMany(p => Enumerable.Range(p.Begin, p.Count)).ToArray(),
            QueryOffsets = offsets,
            LogitRows = Enumerable.Range(0, ids.Length).ToArray(),
            PageTables = pages,
            PagesStride = executor.PagesPerSequence,
        };
    }

    private void Collect(IReadOnlyList<Piece> step, float[][][] target)
    {
        executor.Stream.Synchronize();
        Tensor logits = executor.Logits;
        int cols = (int)logits.Cols;
        int row = 0;
        foreach (Piece piece in step)
        {
            for (int i = 0; i < piece.Count; i++, row++)
            {
                float[] values = new float[cols];
                logits.Buffer!.Download<float>(executor.Stream, (long)row * cols * sizeof(float), values);
                target[piece.Sequence][piece.Begin + i] = values;
            }
        }
    }
}
