using System.Numerics;
using System.Runtime.InteropServices;
using Moesaic.Interop;
using Moesaic.Scheduling;

namespace Moesaic.Engine;

/// <summary>Log-probabilities of the prompts' tokens in a step, for the requests that want them.</summary>
internal sealed class PromptScorer : IDisposable
{
    private readonly int _vocabularySize;
    private readonly SamplingRows _greedy;
    private readonly DeviceBuffer _targets;
    private readonly DeviceBuffer _results;
    private readonly int[] _targetIds;
    private readonly int[] _words;

    public PromptScorer(Device device, int maxRows, int vocabularySize)
    {
        _vocabularySize = vocabularySize;
        _greedy = new SamplingRows(maxRows);
        for (int i = 0; i < maxRows; i++)
        {
            _greedy.Set(i, new SamplingRow());
        }

        // Log-probabilities, what a greedy draw gives (not used), ids of the alternatives, their log-probabilities.
        _targetIds = new int[maxRows];
        _words = new int[maxRows * (3 + (2 * SamplingParameters.MaxTopLogprobs))];
        _targets = DeviceBuffer.Create(device, maxRows * sizeof(int));
        try
        {
            _results = DeviceBuffer.Create(device, _words.Length * (long)sizeof(int));
        }
        catch
        {
            _targets.Dispose();
            throw;
        }
    }

    /// <summary>Scores what the step computed of prompts.</summary>
    /// <param name="stream">The executor's.</param>
    /// <param name="logits">[logit rows of the step, padded vocabulary]</param>
    /// <param name="step">The step.</param>
    /// <param name="complete">Receives the prompts whose last part this was.</param>
    public void Score(ComputeStream stream, in Tensor logits, ScheduledStep step, List<PromptScores> complete)
    {
        int row = 0;
        for (int i = 0; i < step.NumSequences; i++)
        {
            int end = step.QueryOffsets[i + 1];
            int first = row;
            while (row < step.NumLogitRows && step.LogitRows[row] < end)
            {
                row++;
            }

            Sequence sequence = step.Sequences[i];
            if (((TokenStream)sequence.Tag!).Owner.Scores is { } scores && sequence.Sample == 0)
            {
                int last = step.Positions[end - 1];
                int position = step.Positions[step.QueryOffsets[i]];
                int count = Math.Min(row - first, sequence.NumPromptTokens - 1 - position);
                if (count > 0)
                {
                    Score(stream, logits.SliceRows(first, count), scores, position);
                }

                if (position < sequence.NumPromptTokens && last >= sequence.NumPromptTokens - 1)
                {
                    complete.Add(scores);
                }
            }
        }
    }

    public void Dispose()
    {
        _targets.Dispose();
        _results.Dispose();
    }

    private void Score(ComputeStream stream, in Tensor logits, PromptScores scores, int position)
    {
        int count = (int)logits.Rows;
        int top = scores.NumAlternatives;
        for (int i = 0; i < count; i++)
        {
            _targetIds[i] = scores.Target(position + i);
        }

        _targets.Upload<int>(stream, 0, _targetIds.AsSpan(0, count));
        stream.TokenLogprobs(logits, _vocabularySize, Tensor.Dense(_targets, count, 1, TensorFormat.I32), Words(0, count, 1, TensorFormat.F32));
        if (top > 0)
        {
            stream.Sample(new SampleParams
            {
                Logits = logits,
                VocabularySize = _vocabularySize,
                Rows = _greedy,
                Ids = Words(count, count, 1, TensorFormat.I32),
                Logprobs = Words(2 * count, count, 1, TensorFormat.F32),
                NumTopLogprobs = top,
                TopIds = Words(3 * count, count, top, TensorFormat.I32),
                TopLogprobs = Words((3 + top) * count, count, top, TensorFormat.F32),
            });
        }

        Span<int> words = _words.AsSpan(0, top > 0 ? (3 + (2 * top)) * count : count);
        _results.Download(stream, 0, words);
        Span<float> numbers = MemoryMarshal.Cast<int, float>(words);
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<int> ids = top > 0 ? words.Slice((3 * count) + (i * top), top) : [];
            ReadOnlySpan<float> logprobs = top > 0 ? numbers.Slice(((3 + top) * count) + (i * top), top) : [];
            scores.Set(position + i, numbers[i], Rank(logits.SliceRows(i, 1), _targetIds[i]), ids, logprobs);
        }
    }

    private int? Rank(in Tensor logits, int target)
    {
        if (!logits.Buffer!.IsHostVisible)
        {
            return null;
        }

        using HostView<float> view = logits.Buffer.MapHost<float>(logits.OffsetBytes, _vocabularySize);
        ReadOnlySpan<float> values = view.Span;
        float own = values[target];
        int greater = 0;
        int i = 0;
        Vector<int> counts = Vector<int>.Zero;
        Vector<float> owns = new(own);
        for (; i <= values.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            // A comparison that holds gives -1.
            counts -= Vector.GreaterThan(new Vector<float>(values[i..]), owns);
        }

        greater += Vector.Sum(counts);
        for (; i < values.Length; i++)
        {
            greater += values[i] > own ? 1 : 0;
        }

        return greater + 1;
    }

    private Tensor Words(int word, int rows, int columns, TensorFormat format) => Tensor.Dense(_results, rows, columns, format, word * (long)sizeof(int));
}
