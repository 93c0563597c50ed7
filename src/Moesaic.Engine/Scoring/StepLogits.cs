using Moesaic.Interop;

namespace Moesaic.Engine;

/// <summary>Reads the logits of a step: whole rows, or the log-probability of one token a row.</summary>
internal sealed class StepLogits : IDisposable
{
    // Bound of the logits kept for one step.
    private const long MaxBytes = 64L << 20;
    private const int MaxTokens = 512;

    private readonly ComputeStream _stream;
    private readonly int _vocabularySize;
    private readonly DeviceBuffer _targets;
    private readonly DeviceBuffer _logprobs;

    /// <param name="device">Where the logits are.</param>
    /// <param name="stream">What computes them.</param>
    /// <param name="maxRows">Most rows of a step.</param>
    /// <param name="vocabularySize">Tokens that probabilities are over; columns past them are padding.</param>
    public StepLogits(Device device, ComputeStream stream, int maxRows, int vocabularySize)
    {
        _stream = stream;
        _vocabularySize = vocabularySize;
        _targets = DeviceBuffer.Create(device, (long)maxRows * sizeof(int));
        try
        {
            _logprobs = DeviceBuffer.Create(device, (long)maxRows * sizeof(float));
        }
        catch
        {
            _targets.Dispose();
            throw;
        }
    }

    /// <summary>Tokens of a step whose logits are all kept.</summary>
    /// <param name="columns">Logits of a token.</param>
    public static int TokensPerStep(int columns) => (int)Math.Clamp(MaxBytes / (columns * (long)sizeof(float)), 1, MaxTokens);

    /// <summary>The log-probability of a token in each row.</summary>
    /// <param name="logits">[targets, columns].</param>
    /// <param name="targets">Token ids.</param>
    public float[] Logprobs(in Tensor logits, int[] targets)
    {
        float[] logprobs = new float[targets.Length];
        _targets.Upload<int>(_stream, 0, targets);
        _stream.TokenLogprobs(
            logits,
            _vocabularySize,
            Tensor.Dense(_targets, targets.Length, 1, TensorFormat.I32),
            Tensor.Dense(_logprobs, targets.Length, 1));
        _logprobs.Download<float>(_stream, 0, logprobs);
        return logprobs;
    }

    /// <summary>Reads one row into <paramref name="values"/>, which has its length.</summary>
    public void ReadRow(in Tensor logits, int row, float[] values) =>
        logits.Buffer!.Download<float>(_stream, logits.OffsetBytes + (row * logits.RowStride * sizeof(float)), values);

    public void Dispose()
    {
        _targets.Dispose();
        _logprobs.Dispose();
    }
}
