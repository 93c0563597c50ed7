using System.Runtime.InteropServices;
using System.Text.Json;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Checkpoints.Safetensors;
using Moesaic.TestSupport;

namespace Moesaic.Cli.Tests;

/// <summary>score against the reference logits of checkpoints without a tokenizer.</summary>
public sealed class ScoreTests : IDisposable
{
    private readonly Samples _samples = new();

    public void Dispose() => _samples.Dispose();

    [Test]
    public void Logits_of_both_kinds_equal_the_reference()
    {
        string folder = TestPaths.TestData("fixtures", "ling_mtp");
        using SafetensorsFile reference = SafetensorsFile.Open(Path.Combine(folder, "reference.safetensors"));
        long[][] ids = Rows(reference.GetTensor("input_ids"));
        string file = _samples.Write("ids.json", JsonSerializer.Serialize(new Dictionary<string, long[][]> { ["ids"] = ids }));
        string main = file + ".main", mtp = file + ".mtp";
        ProgramRun run = ProgramRun.Of(
            "score", "--model", folder, "--ids", file, "--precision", "reference", "--logits", main, "--mtp-logits", mtp, "--json");
        Assert.That((run.ExitCode, run.Error), Is.EqualTo((0, "")));

        int tokens = ids[0].Length;
        using (SafetensorsFile written = SafetensorsFile.Open(main))
        {
            CheckEqual(written.GetTensor("logits"), reference.GetTensor("logits"), tokens);
        }

        using (SafetensorsFile written = SafetensorsFile.Open(mtp))
        {
            CheckEqual(written.GetTensor("mtp_logits"), reference.GetTensor("mtp_logits"), tokens - 1);
        }

        CheckLogprobs(run.Output, ids, reference.GetTensor("logits"));
    }

    [Test]
    public void A_text_is_scored_token_by_token()
    {
        ProgramRun run = ProgramRun.Of("score", "a large natural stream of water");
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        Assert.That(run.Lines[^1], Does.Match($@"^perplexity [\d.]+ over {run.Lines.Length - 1} tokens$"));
    }

    [TestCase("ids[1] has 3 tokens and ids[0] has 2", "{\"ids\":[[1,2],[1,2,3]]}", "--logits", "x.safetensors")]
    [TestCase("ids[0][1] is 999999", "{\"ids\":[[1,999999]]}")]
    [TestCase("ids[0][0] must be a token id", "{\"ids\":[[-1]]}")]
    [TestCase("has no multi-token-prediction layer", "{\"ids\":[[1,2]]}", "--mtp-logits", "x.safetensors", "--model", "qwen2")]
    public void What_cannot_be_scored_is_exit_code_2(string named, string ids, params string[] options)
    {
        options = [.. options.Select(o => o == "qwen2" ? TestPaths.TestData("fixtures", o) : o)];
        ProgramRun run = ProgramRun.Of(["score", "--ids", _samples.Write("ids.json", ids), .. options]);
        Assert.That((run.ExitCode, run.Output), Is.EqualTo((2, "")), run.Error);
        Assert.That(run.Error, Does.Contain(named));
    }

    private static void CheckEqual(CheckpointTensor found, CheckpointTensor expected, int countedTokens)
    {
        Assert.That(found.Shape, Is.EqualTo(expected.Shape));
        Assert.That(found.Format, Is.EqualTo(ElementFormat.F32));
        float[] a = Values<float>(found), b = Values<float>(expected);
        int tokens = (int)expected.Shape[1], vocabulary = (int)expected.Shape[2];
        double error = 0, power = 0;
        for (int i = 0; i < a.Length; i++)
        {
            if (i / vocabulary % tokens < countedTokens)
            {
                error += Math.Pow((double)a[i] - b[i], 2);
                power += Math.Pow(b[i], 2);
            }
        }

        Assert.That(error / power, Is.LessThan(1e-6));
    }

    private static void CheckLogprobs(string output, long[][] ids, CheckpointTensor logits)
    {
        using JsonDocument json = JsonDocument.Parse(output);
        float[] values = Values<float>(logits);
        int vocabulary = (int)logits.Shape[2];
        for (int r = 0; r < ids.Length; r++)
        {
            JsonElement row = json.RootElement.GetProperty("sequences")[r];
            double sum = 0;
            for (int t = 0; t + 1 < ids[r].Length; t++)
            {
                ArraySegment<float> at = new(values, ((r * ids[r].Length) + t) * vocabulary, vocabulary);
                double expected = at[(int)ids[r][t + 1]] - Math.Log(at.Sum(v => Math.Exp(v)));
                sum += expected;
                Assert.That(row.GetProperty("logprobs")[t].GetDouble(), Is.EqualTo(expected).Within(2e-3));
            }

            Assert.That(row.GetProperty("perplexity").GetDouble(), Is.EqualTo(Math.Exp(-sum / (ids[r].Length - 1))).Within(0.1).Percent);
        }
    }

    private static long[][] Rows(CheckpointTensor ids) => [.. Values<long>(ids).Chunk((int)ids.Shape[1])];

    private static T[] Values<T>(CheckpointTensor tensor)
        where T : unmanaged
    {
        T[] values = new T[tensor.ElementCount];
        tensor.CopyBytes(0, MemoryMarshal.AsBytes(values.AsSpan()));
        return values;
    }
}
