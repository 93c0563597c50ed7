namespace Moesaic.Engine;

/// <summary>How probable a model finds a sequence.</summary>
/// <param name="Logprobs">Natural log-probability of each token after the first, given those before it.</param>
public sealed record SequenceScore(float[] Logprobs)
{
    public double SumLogprob => Logprobs.Sum(static p => (double)p);

    /// <summary>exp of the mean negative log-probability; not a number for a sequence of one token.</summary>
    public double Perplexity => Math.Exp(-SumLogprob / Logprobs.Length);
}
