using Moesaic.Interop;
using Moesaic.Models.Decoder;
using Moesaic.Models.Export;

namespace Moesaic.Engine;

/// <summary>Log-probabilities and logits of given sequences, run as ragged batches of all that fits a step.</summary>
/// <remarks>One thread at a time.</remarks>
public sealed class Scorer : IDisposable
{
    private const int MaxStepSequences = 32;

    private readonly DecoderExecutor _executor;
    private readonly StepLogits _logits;
    private readonly int _vocabularySize;

    /// <param name="decoder">The model.</param>
    /// <param name="options">Precision, cache format, longest sequence; the other bounds are set here.</param>
    /// <param name="vocabularySize">Tokens that probabilities are over; the decoder's rows past them are padding.</param>
    public Scorer(LoadedDecoder decoder, ExecutorOptions options, int vocabularySize)
    {
        ArgumentNullException.ThrowIfNull(decoder);
        ArgumentNullException.ThrowIfNull(options);
        _vocabularySize = vocabularySize;
        int tokens = StepLogits.TokensPerStep(decoder.Description.VocabularySize);
        int sequences = Math.Min(MaxStepSequences, tokens);
        int context = options.MaxContext ?? decoder.Description.ContextLength;
        int pages = ((context - 1) / options.PageTokens) + 1;

        // A step packs short sequences; pages for the longest of them and for a step of short ones are enough.
        _executor = new DecoderExecutor(decoder, options with
        {
            MaxTokens = tokens,
            MaxLogitRows = tokens,
            MaxSequences = sequences,
            NumPages = checked((2 * pages) + sequences + (tokens / options.PageTokens)),
        });
        try
        {
            _logits = new StepLogits(decoder.Device, _executor.Stream, tokens, vocabularySize);
        }
        catch
        {
            _executor.Dispose();
            throw;
        }
    }

    /// <summary>Longest sequence.</summary>
    public int MaxContext => _executor.MaxContext;

    /// <summary>Log-probability of every token after the first of each sequence.</summary>
    /// <exception cref="ArgumentException">A sequence is empty or holds an id that is no token.</exception>
    /// <exception cref="ContextExceededException">A sequence is longer than the context.</exception>
    public SequenceScore[] Score(IReadOnlyList<int[]> sequences, CancellationToken cancellation = default) =>
        Score(sequences, null, null, cancellation);

    /// <summary>As <see cref="Score(IReadOnlyList{int[]}, CancellationToken)"/>, and hands out the logits of every position of the same run.</summary>
    /// <inheritdoc cref="Logits"/>
    public SequenceScore[] Score(IReadOnlyList<int[]> sequences, LogitsSink? main, LogitsSink? mtp, CancellationToken cancellation = default)
    {
        Check(sequences, _vocabularySize);
        SequenceScore[] scores = [.. sequences.Select(s => new SequenceScore(new float[s.Length - 1]))];
        Run(sequences, step => ReadLogprobs(step, sequences, scores), main, mtp, cancellation);
        return scores;
    }

    /// <summary>Hands out the logits of every position.</summary>
    /// <param name="sequences">Token ids.</param>
    /// <param name="main">Receives the model's own logits; may be null.</param>
    /// <param name="mtp">Receives the multi-token-prediction layer's; may be null. The last position of a sequence has no successor: its row is meaningless.</param>
    /// <param name="cancellation">Ends the run between steps.</param>
    /// <exception cref="ArgumentException">A sequence is empty or holds an id that is no token.</exception>
    /// <exception cref="ContextExceededException">A sequence is longer than the context.</exception>
    public void Logits(IReadOnlyList<int[]> sequences, LogitsSink? main, LogitsSink? mtp = null, CancellationToken cancellation = default)
    {
        Check(sequences, _executor.Description.VocabularySize);
        Run(sequences, null, main, mtp, cancellation);
    }

    /// <summary>Runs sequences and sums up what the model's matrices are multiplied with.</summary>
    /// <param name="sequences">Token ids of calibration text.</param>
    /// <param name="importance">Receives the sums.</param>
    /// <param name="cancellation">Ends the run between steps.</param>
    /// <exception cref="ArgumentException">A sequence is empty or holds an id that is no token.</exception>
    /// <exception cref="ContextExceededException">A sequence is longer than the context.</exception>
    public void Calibrate(IReadOnlyList<int[]> sequences, ImportanceMatrix importance, CancellationToken cancellation = default)
    {
        Check(sequences, _vocabularySize);
        _executor.Calibration = importance;
        try
        {
            Run(sequences, null, null, null, cancellation);
        }
        finally
        {
            _executor.Calibration = null;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _logits.Dispose();
        _executor.Dispose();
    }

    private void Run(IReadOnlyList<int[]> sequences, Action<StepPlan>? read, LogitsSink? main, LogitsSink? mtp, CancellationToken cancellation)
    {
        foreach (StepPlan step in StepPlan.Pack(sequences, _executor))
        {
            cancellation.ThrowIfCancellationRequested();
            _executor.Run(step.Content(sequences, _executor, shifted: false));

            // Both read the model's own logits, which those of the multi-token-prediction layer overwrite.
            read?.Invoke(step);
            HandOut(step, main);
            if (mtp is not null)
            {
                _executor.RunMtp(step.Content(sequences, _executor, shifted: true));
                HandOut(step, mtp);
            }
        }
    }

    private void ReadLogprobs(StepPlan step, IReadOnlyList<int[]> sequences, SequenceScore[] scores)
    {
        float[] logprobs = _logits.Logprobs(_executor.Logits, step.NextTokens(sequences));
        step.ForEachRow((row, sequence, position) =>
        {
            if (position + 1 < sequences[sequence].Length)
            {
                scores[sequence].Logprobs[position] = logprobs[row];
            }
        });
    }

    private void HandOut(StepPlan step, LogitsSink? sink)
    {
        if (sink is null)
        {
            return;
        }

        Tensor logits = _executor.Logits;
        float[] values = new float[logits.Cols];
        step.ForEachRow((row, sequence, position) =>
        {
            _logits.ReadRow(logits, row, values);
            sink(sequence, position, values);
        });
    }

    private void Check(IReadOnlyList<int[]> sequences, int vocabularySize) => SequenceCheck.Require(sequences, "Sequence", MaxContext, vocabularySize);
}
