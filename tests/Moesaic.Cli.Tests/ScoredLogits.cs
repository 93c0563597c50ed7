using System.Runtime.InteropServices;
using System.Text.Json;
using Moesaic.Models.Checkpoints;

namespace Moesaic.Cli.Tests;

/// <summary>What tests of score read from tensors, and what its JSON must say of them.</summary>
internal static class ScoredLogits
{
    /// <summary>Token ids [rows, tokens].</summary>
    public static long[][] Rows(CheckpointTensor ids) => [.. Values<long>(ids).Chunk((int)ids.Shape[1])];

    public static T[] Values<T>(CheckpointTensor tensor)
        where T : unmanaged
    {
        T[] values = new T[tensor.ElementCount];
        tensor.CopyBytes(0, MemoryMarshal.AsBytes(values.AsSpan()));
        return values;
    }

    /// <summary>Normalised mean-square error.</summary>
    public static double Nmse(IEnumerable<float> found, IEnumerable<float> expected)
    {
        double error = 0, power = 0;
        foreach ((float a, float b) in found.Zip(expected))
        {
            error += Math.Pow((double)a - b, 2);
            power += Math.Pow(b, 2);
        }

        return error / power;
    }

    /// <summary>Compares log-probabilities and perplexity of each sequence with what follows from logits.</summary>
    /// <param name="output">What <c>score --json</c> printed.</param>
    /// <param name="scored">The sequences that were scored.</param>
    /// <param name="logits">[sequences, tokens, vocabulary].</param>
    public static void CheckLogprobs(string output, long[][] scored, CheckpointTensor logits)
    {
        using JsonDocument json = JsonDocument.Parse(output);
        float[] values = Values<float>(logits);
        int vocabulary = (int)logits.Shape[2];
        for (int r = 0; r < scored.Length; r++)
        {
            JsonElement row = json.RootElement.GetProperty("sequences")[r];
            Assert.That(row.GetProperty("logprobs").GetArrayLength(), Is.EqualTo(scored[r].Length - 1));
            double sum = 0;
            for (int t = 0; t + 1 < scored[r].Length; t++)
            {
                ArraySegment<float> at = new(values, ((r * scored[r].Length) + t) * vocabulary, vocabulary);
                double expected = at[(int)scored[r][t + 1]] - Math.Log(at.Sum(v => Math.Exp(v)));
                sum += expected;
                Assert.That(row.GetProperty("logprobs")[t].GetDouble(), Is.EqualTo(expected).Within(2e-3));
            }

            Assert.That(row.GetProperty("perplexity").GetDouble(), Is.EqualTo(Math.Exp(-sum / (scored[r].Length - 1))).Within(0.1).Percent);
        }

        Assert.That(json.RootElement.GetProperty("scored_tokens").GetInt32(), Is.EqualTo(scored.Sum(s => s.Length - 1)));
    }
}
