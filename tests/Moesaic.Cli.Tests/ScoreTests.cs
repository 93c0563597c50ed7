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
        long[][] ids = ScoredLogits.Rows(reference.GetTensor("input_ids"));
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

        ScoredLogits.CheckLogprobs(run.Output, ids, reference.GetTensor("logits"));
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
        int tokens = (int)expected.Shape[1], vocabulary = (int)expected.Shape[2];
        Assert.That(ScoredLogits.Nmse(Counted(found), Counted(expected)), Is.LessThan(1e-6));

        IEnumerable<float> Counted(CheckpointTensor logits) => ScoredLogits.Values<float>(logits).Where((_, i) => i / vocabulary % tokens < countedTokens);
    }
}
