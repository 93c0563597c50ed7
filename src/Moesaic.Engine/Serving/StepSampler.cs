using Moesaic.Interop;
using Moesaic.Scheduling;

namespace Moesaic.Engine;

/// <summary>Draws all samples of a step in one native call, or a few where samples share a row of logits or rows between them are not drawn from.</summary>
internal sealed class StepSampler : IDisposable
{
    private readonly DeviceBuffer _results;
    private readonly SamplingRows _rows;
    private readonly int _vocabularySize;

    public StepSampler(Device device, int maxSequences, int vocabularySize)
    {
        _vocabularySize = vocabularySize;
        _rows = new SamplingRows(maxSequences);
        _results = DeviceBuffer.Create(device, maxSequences * (2L + (2 * SamplingParameters.MaxTopLogprobs)) * sizeof(int));
    }

    /// <summary>Alternatives that the most demanding sample of a step wants.</summary>
    public static int AlternativesOf(ScheduledStep step)
    {
        int most = 0;
        foreach (Sequence sequence in step.SampleSequences)
        {
            most = Math.Max(most, StateOf(sequence).NumAlternatives);
        }

        return most;
    }

    /// <summary>Draws and brings the results to the host.</summary>
    public void Draw(ComputeStream stream, in Tensor logits, ScheduledStep step, StepResults results)
    {
        ReadOnlySpan<Sequence> sequences = step.SampleSequences;
        if (sequences.IsEmpty)
        {
            return;
        }

        for (int i = 0; i < sequences.Length; i++)
        {
            _rows.Set(i, StateOf(sequences[i]).Row(step.SamplePositions[i]));
        }

        ReadOnlySpan<int> rows = step.SampleLogits;
        bool complete = true;
        for (int begin = 0, end; begin < rows.Length; begin = end)
        {
            for (end = begin + 1; end < rows.Length && rows[end] == rows[end - 1] + 1;)
            {
                end++;
            }

            complete &= TrySample(stream, logits.SliceRows(rows[begin], end - begin), begin, results);
        }

        _results.Download(stream, 0, results.Words);
        if (!complete)
        {
            RequireFailedRow(results);
        }

        for (int i = 0; i < sequences.Length; i++)
        {
            int id = results.Ids[i];
            if (id >= 0)
            {
                StateOf(sequences[i]).Count(id);
            }
        }
    }

    public void Dispose() => _results.Dispose();

    private static DrawState StateOf(Sequence sequence) => ((TokenStream)sequence.Tag!).Draws!;

    // A row without a token to draw has the id -1, and the others are drawn all the same.
    private bool TrySample(ComputeStream stream, in Tensor logits, int first, StepResults results)
    {
        long count = logits.Rows;
        int top = results.NumAlternatives;
        try
        {
            stream.Sample(new SampleParams
            {
                Logits = logits,
                VocabularySize = _vocabularySize,
                Rows = _rows,
                FirstRow = first,
                Ids = Words(first, count, 1, TensorFormat.I32),
                Logprobs = Words(results.LogprobWord(first), count, 1, TensorFormat.F32),
                NumTopLogprobs = top,
                TopIds = top > 0 ? Words(results.TopIdsWord(first), count, top, TensorFormat.I32) : default,
                TopLogprobs = top > 0 ? Words(results.TopLogprobsWord(first), count, top, TensorFormat.F32) : default,
            });
            return true;
        }
        catch (NativeException failure) when (failure.ErrorClass == NativeErrorClass.RequestFailed)
        {
            return false;
        }
    }

    private static void RequireFailedRow(StepResults results)
    {
        if (!results.Ids.ContainsAnyInRange(int.MinValue, -1))
        {
            throw new InvalidOperationException("Drawing failed, but no row says so.");
        }
    }

    private Tensor Words(int word, long rows, int columns, TensorFormat format) => Tensor.Dense(_results, rows, columns, format, word * (long)sizeof(int));
}
