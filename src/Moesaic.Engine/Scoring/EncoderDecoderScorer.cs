using Moesaic.Models.Decoder;

namespace Moesaic.Engine;

/// <summary>Log-probabilities and logits of given outputs of an encoder-decoder, each after its own input, one after the other.</summary>
/// <remarks>One thread at a time.</remarks>
public sealed class EncoderDecoderScorer : IDisposable
{
    private readonly EncoderDecoderExecutor _executor;
    private readonly StepLogits _logits;
    private readonly int _vocabularySize;
    private readonly int _stepTokens;

    /// <param name="decoder">The model.</param>
    /// <param name="options">Arithmetic, cache format, longest input and output; the other bounds are set here.</param>
    /// <param name="vocabularySize">Tokens that probabilities are over; the decoder's rows past them are padding.</param>
    internal EncoderDecoderScorer(LoadedDecoder decoder, EncoderDecoderOptions options, int vocabularySize)
    {
        MaxInputTokens = options.MaxInputTokens;
        MaxOutputTokens = options.MaxOutputTokens;
        _vocabularySize = vocabularySize;
        _stepTokens = Math.Min(StepLogits.TokensPerStep(decoder.Description.VocabularySize), options.MaxOutputTokens);
        _executor = new EncoderDecoderExecutor(decoder, options with { MaxStepTokens = _stepTokens, AllLogits = true });
        try
        {
            _logits = new StepLogits(decoder.Device, _executor.Stream, _stepTokens, vocabularySize);
        }
        catch
        {
            _executor.Dispose();
            throw;
        }
    }

    /// <summary>Tokens of the longest input.</summary>
    public int MaxInputTokens { get; }

    /// <summary>Tokens of the longest output.</summary>
    public int MaxOutputTokens { get; }

    /// <summary>Log-probability of every token after the first of each output, given its input and the tokens before it.</summary>
    /// <param name="inputs">Token ids that the encoder reads.</param>
    /// <param name="outputs">Token ids that the decoder reads, one row for each input, each with the token that it begins with.</param>
    /// <param name="logits">Receives the decoder's logits of every position, in order; null: not wanted.</param>
    /// <param name="cancellation">Ends the run between steps.</param>
    /// <exception cref="ArgumentException">There are not as many outputs as inputs, or a row is empty or holds an id that is no token.</exception>
    /// <exception cref="ContextExceededException">A row is longer than was provided for.</exception>
    public SequenceScore[] Score(IReadOnlyList<int[]> inputs, IReadOnlyList<int[]> outputs, LogitsSink? logits = null, CancellationToken cancellation = default)
    {
        SequenceCheck.Require(inputs, "Input", MaxInputTokens, _vocabularySize);
        SequenceCheck.Require(outputs, "Output", MaxOutputTokens, _vocabularySize);
        if (inputs.Count != outputs.Count)
        {
            throw new ArgumentException($"There are {inputs.Count} inputs and {outputs.Count} outputs; expected one output for each input.", nameof(outputs));
        }

        SequenceScore[] scores = [.. outputs.Select(static o => new SequenceScore(new float[o.Length - 1]))];
        for (int s = 0; s < inputs.Count; s++)
        {
            cancellation.ThrowIfCancellationRequested();
            _executor.Encode(inputs[s]);
            for (int first = 0; first < outputs[s].Length; first += _stepTokens)
            {
                cancellation.ThrowIfCancellationRequested();
                int count = Math.Min(_stepTokens, outputs[s].Length - first);
                _executor.Decode(outputs[s].AsSpan(first, count));
                ReadLogprobs(outputs[s], first, count, scores[s].Logprobs);
                HandOut(s, first, count, logits);
            }
        }

        return scores;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _logits.Dispose();
        _executor.Dispose();
    }

    private void ReadLogprobs(int[] output, int first, int count, float[] logprobs)
    {
        // The last row of an output predicts what it does not hold.
        int scored = Math.Min(count, output.Length - 1 - first);
        if (scored > 0)
        {
            int[] targets = output[(first + 1)..(first + 1 + scored)];
            _logits.Logprobs(_executor.Logits.SliceRows(0, scored), targets).CopyTo(logprobs, first);
        }
    }

    private void HandOut(int sequence, int first, int count, LogitsSink? sink)
    {
        if (sink is null)
        {
            return;
        }

        float[] values = new float[_executor.Logits.Cols];
        for (int row = 0; row < count; row++)
        {
            _logits.ReadRow(_executor.Logits, row, values);
            sink(sequence, first + row, values);
        }
    }
}
