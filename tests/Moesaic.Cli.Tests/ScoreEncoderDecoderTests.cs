using System.Text.Json;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Checkpoints.Safetensors;
using Moesaic.TestSupport;

namespace Moesaic.Cli.Tests;

/// <summary>score with ids of both halves of an encoder-decoder, and what the other verbs say about one.</summary>
public sealed class ScoreEncoderDecoderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Test]
    public void Logits_and_log_probabilities_equal_the_reference()
    {
        string model = TestPaths.Shared("fixtures", "switch");
        using SafetensorsFile reference = SafetensorsFile.Open(Path.Combine(model, "reference.safetensors"));
        long[][] inputs = ScoredLogits.Rows(reference.GetTensor("input_ids")), outputs = ScoredLogits.Rows(reference.GetTensor("decoder_input_ids"));
        string file = Write(JsonSerializer.Serialize(new Dictionary<string, long[][]> { ["ids"] = inputs, ["decoder_ids"] = outputs }));
        string written = _folder.Combine("logits.safetensors");
        ProgramRun run = ProgramRun.Of("score", "--model", model, "--ids", file, "--precision", "reference", "--logits", written, "--json");
        Assert.That((run.ExitCode, run.Error), Is.EqualTo((0, "")));
        float[] expected = ScoredLogits.Values<float>(reference.GetTensor("logits")), found = Logits(written, outputs.Length, outputs[0].Length, 512);
        Assert.That(ScoredLogits.Nmse(found, expected), Is.LessThanOrEqualTo(1e-6));
        ScoredLogits.CheckLogprobs(run.Output, outputs, reference.GetTensor("logits"));
        CheckIds(run.Output, inputs, outputs);

        // Where fast arithmetic rounds inputs, choices of experts flip on near ties and move whole queues: the library's own test replays them.
        foreach ((string isa, double tolerance) in ((string, double)[])[("portable", 1e-3), ("auto", 0.1)])
        {
            run = ProgramRun.Of("score", "--model", model, "--ids", file, "--logits", written, "--isa", isa);
            Assert.That((run.ExitCode, run.Error), Is.EqualTo((0, "")));
            Assert.That(ScoredLogits.Nmse(Logits(written, outputs.Length, outputs[0].Length, 512), expected), Is.LessThanOrEqualTo(tolerance), isa);
            Assert.That(run.Lines[^1], Does.Match(@"^perplexity [\d.]+ over 38 tokens in all$"));
        }
    }

    [Test]
    public void Rows_may_be_plain_padded_and_of_several_lengths()
    {
        string model = SmallEncoderDecoder.Write(_folder.Combine("model"));
        string[] plain = Lines(model, "{\"ids\":[5,6,7],\"decoder_ids\":[3,8,9]}");
        Assert.That(plain, Has.Length.EqualTo(3));
        Assert.That(plain[0], Does.Match(@"^ +8 +-[\d.]+$"));
        Assert.That(plain[2], Does.Match(@"^perplexity [\d.]+ over 2 tokens$"));
        string[] rows = Lines(model, "{\"ids\":[[5,6,7],[4]],\"decoder_ids\":[[3,8,9],[3,1,1,1]]}");
        Assert.That(rows[..3], Is.EqualTo(plain));
        Assert.That(rows[^1], Does.EndWith("over 5 tokens in all"));
        Assert.That(Lines(model, "{\"ids\":[5,6,7,0,0],\"attention_mask\":[1,1,1,0,0],\"decoder_ids\":[3,8,9]}"), Is.EqualTo(plain));
        Assert.That(Lines(model, "{\"ids\":[5,6,7,0,0],\"decoder_ids\":[3,8,9]}"), Is.Not.EqualTo(plain));

        // The tensor of logits has the decoder's rows; the encoder's may differ in length.
        string written = _folder.Combine("logits.safetensors");
        Lines(model, "{\"ids\":[[5,6,7],[4]],\"decoder_ids\":[[3,8,9],[3,1,1]]}", "--logits", written);
        Assert.That(Logits(written, 2, 3, SmallEncoderDecoder.Vocabulary), Has.All.Matches<float>(float.IsFinite));
    }

    [TestCase("decoder_ids must be an array of 2 rows, one for each row of ids; it has 1", "{\"ids\":[[1],[2]],\"decoder_ids\":[[3]]}")]
    [TestCase("decoder_ids must be an array of 1 rows, one for each row of ids", "{\"ids\":[[1]],\"decoder_ids\":null}")]
    [TestCase("decoder_ids[1] must be an array of at least one token id", "{\"ids\":[[1],[2]],\"decoder_ids\":[[3],[]]}")]
    [TestCase("decoder_ids[0] must be an array of at least one token id", "{\"ids\":[[1]],\"decoder_ids\":[3]}")]
    [TestCase("decoder_ids[0] must be a token id, not [3]", "{\"ids\":[1],\"decoder_ids\":[[3]]}")]
    [TestCase("decoder_ids[1][1] must be a token id, not -1", "{\"ids\":[[1],[2]],\"decoder_ids\":[[3],[3,-1]]}")]
    [TestCase("decoder_ids[1][1] is 24; the model has the tokens 0 to 23", "{\"ids\":[[1],[2]],\"decoder_ids\":[[3],[3,24]]}")]
    [TestCase("ids[0] is 24; the model has the tokens 0 to 23", "{\"ids\":[24],\"decoder_ids\":[3]}")]
    [TestCase("ids[1] has 3 tokens; the context holds 2", "{\"ids\":[[1],[2,2,2]],\"decoder_ids\":[[3],[3]]}", "--context", "2")]
    [TestCase("decoder_ids has 3 tokens; the context holds 2", "{\"ids\":[1],\"decoder_ids\":[3,2,1]}", "--context", "2")]
    [TestCase("decoder_ids[1] has 3 tokens and decoder_ids[0] has 2", "{\"ids\":[[1],[2]],\"decoder_ids\":[[3,1],[3,1,1]]}", "--logits", "x.safetensors")]
    [TestCase("attention_mask must have 2 rows", "{\"ids\":[[1],[2]],\"decoder_ids\":[[3],[3]],\"attention_mask\":[[1]]}")]
    [TestCase("has no multi-token-prediction layer", "{\"ids\":[[1]],\"decoder_ids\":[[3]]}", "--mtp-logits", "x.safetensors")]
    [TestCase("decoder_ids is missing: Switch Transformer is an encoder-decoder, whose encoder reads ids; expected decoder_ids with a row for each of the 2 of ids, which begins with the token 3", "{\"ids\":[[1],[2]]}")]
    public void What_cannot_be_scored_is_exit_code_2(string named, string ids, params string[] options)
    {
        string model = SmallEncoderDecoder.Write(_folder.Combine("model"));
        string file = Write(ids);
        ProgramRun run = ProgramRun.Of(["score", "--model", model, "--ids", file, .. options]);
        Assert.That((run.ExitCode, run.Output), Is.EqualTo((2, "")), run.Error);
        Assert.That(run.Error, Does.Contain(named));
        Assert.That(run.Error, named.StartsWith("has", StringComparison.Ordinal) ? Is.Not.Empty : Does.Contain(file));
    }

    [Test]
    public void A_text_and_a_decoder_alone_are_exit_code_2()
    {
        string model = SmallEncoderDecoder.Write(_folder.Combine("model"));
        ProgramRun text = ProgramRun.Of("score", "--model", model, "some text");
        Assert.That((text.ExitCode, text.Output), Is.EqualTo((2, "")));
        Assert.That(text.Error, Does.Contain("Switch Transformer is an encoder-decoder").And.Contain("--ids FILE with {\"ids\": [[...]], \"decoder_ids\": [[...]]}"));
        string file = Write("{\"ids\":[[1]],\"decoder_ids\":[[3]]}");
        ProgramRun decoder = ProgramRun.Of("score", "--ids", file);
        Assert.That((decoder.ExitCode, decoder.Output), Is.EqualTo((2, "")));
        Assert.That(decoder.Error, Does.Contain($"{file}: decoder_ids are for encoder-decoders").And.Contain("is a decoder alone"));
        foreach (string verb in (string[])["generate", "embed"])
        {
            ProgramRun other = ProgramRun.Of(verb, "--ids", file, "--model", model);
            Assert.That((other.ExitCode, other.Output), Is.EqualTo((2, "")));
            Assert.That(other.Error, Does.Contain($"{file}: decoder_ids is what score takes for an encoder-decoder; {verb} takes ids alone"));
        }
    }

    [TestCase("generate", "a river")]
    [TestCase("generate", "--raw", "a river")]
    [TestCase("generate", "--ids", "ids")]
    [TestCase("chat")]
    [TestCase("serve", "--port", "0")]
    [TestCase("bench")]
    public void The_other_verbs_refuse_an_encoder_decoder_with_one_message(string verb, params string[] arguments)
    {
        string model = SmallEncoderDecoder.Write(_folder.Combine("model"));
        string ids = Write("{\"ids\":[1,2]}");
        ProgramRun run = ProgramRun.Of([verb, "--model", model, .. arguments.Select(a => a == "ids" ? ids : a)]);
        Assert.That((run.ExitCode, run.Output), Is.EqualTo((3, "")), run.Error);
        string last = run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1];
        Assert.That(last, Is.EqualTo(
            $"moesaic: {Path.Combine(model, "config.json")}: architectures: 'SwitchTransformersForConditionalGeneration' is an encoder-decoder (Switch Transformer): "
            + "it can be scored with ids of both halves (moesaic score --ids FILE with ids and decoder_ids), but not generate, chat, be served or be measured."));
    }

    private string[] Lines(string model, string ids, params string[] options)
    {
        ProgramRun run = ProgramRun.Of(["score", "--model", model, "--ids", Write(ids), "--precision", "reference", .. options]);
        Assert.That((run.ExitCode, run.Error), Is.EqualTo((0, "")));
        return run.Lines;
    }

    private string Write(string ids)
    {
        string file = _folder.Combine("ids.json");
        File.WriteAllText(file, ids);
        return file;
    }

    private static void CheckIds(string output, long[][] inputs, long[][] outputs)
    {
        using JsonDocument json = JsonDocument.Parse(output);
        JsonElement[] rows = [.. json.RootElement.GetProperty("sequences").EnumerateArray()];
        Assert.That(rows.Select(r => r.GetProperty("ids").EnumerateArray().Select(i => i.GetInt64())), Is.EqualTo(inputs));
        Assert.That(rows.Select(r => r.GetProperty("decoder_ids").EnumerateArray().Select(i => i.GetInt64())), Is.EqualTo(outputs));
    }

    private static float[] Logits(string path, params long[] shape)
    {
        using SafetensorsFile file = SafetensorsFile.Open(path);
        Assert.That(file.GetTensor("logits").Shape, Is.EqualTo(shape));
        return ScoredLogits.Values<float>(file.GetTensor("logits"));
    }
}
