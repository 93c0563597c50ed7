using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Moesaic.Cli.Tests;

/// <summary>serve as an operator starts it: flags, environment, file; where it listens; how it ends.</summary>
public sealed partial class ServeTests : IDisposable
{
    private const string Key = "canary-key-1";

    private readonly Samples _samples = new();
    private readonly HttpClient _client = new() { Timeout = TimeSpan.FromSeconds(60) };

    public void Dispose()
    {
        _client.Dispose();
        _samples.Dispose();
    }

    [Test]
    public async Task It_listens_on_loopback_says_so_and_drains_when_told_to_end()
    {
        using RunningProgram program = RunningProgram.Start("serve", "--port", "0");
        program.AwaitError("ready: ling-wordnet-16m.Q8_0");
        Uri address = Address(program);
        Assert.That(address.Host, Is.EqualTo("127.0.0.1"));
        Assert.That(await _client.GetStringAsync(new Uri(address, "/health")), Does.Contain("ready"));
        Assert.That(await _client.GetStringAsync(new Uri(address, "/version")), Does.Contain("version"));
        program.Signal("TERM");
        ProgramRun run = program.End();
        Assert.That((run.ExitCode, run.Output), Is.EqualTo((0, "")), run.Error);
        Assert.That(run.Error, Does.Contain("no API key needed, this machine only").And.Contain("draining").And.Contain("GET /version -> 200").And.Not.Contain("GET /health"));
    }

    [Test]
    public void Bench_serve_measures_our_own_host()
    {
        using RunningProgram host = RunningProgram.Start("serve", "--port", "0", "--log-level", "warning");
        host.AwaitError("ready: ");
        string address = Address(host).ToString();
        ProgramRun run = ProgramRun.Of(
            "bench-serve", "--base-url", address, "--num-prompts", "8", "--max-concurrency", "4", "--random-input-len", "24", "--random-output-len", "10",
            "--ignore-eos", "--seed", "1", "--json");
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        JsonElement json = JsonElement.Parse(run.Output);
        Assert.Multiple(() =>
        {
            Assert.That(json.GetProperty("completed").GetInt32(), Is.EqualTo(8));
            Assert.That(json.GetProperty("failed").GetInt32(), Is.Zero);
            Assert.That(json.GetProperty("total_output_tokens").GetInt64(), Is.EqualTo(80));
            Assert.That(json.GetProperty("total_input_tokens").GetInt64(), Is.EqualTo(8 * 24));
            Assert.That(json.GetProperty("median_ttft_ms").GetDouble(), Is.GreaterThan(0));
            Assert.That(json.GetProperty("total_token_throughput").GetDouble(), Is.GreaterThan(0));
        });
        host.Signal("TERM");
        Assert.That(host.End().ExitCode, Is.Zero);
    }

    [Test]
    public async Task Settings_come_from_flag_then_environment_then_file()
    {
        string keys = _samples.Write("keys.txt", "# tenants\nalice canary-key-2\n\ncanary-key-3\n");
        string config = _samples.Write(
            "config.json",
            $$"""{ "port": 1, "served_model_name": "from-file", "api-key-file": "{{keys}}", "context": 64, "max-sequences": 4, "prefix-caching": false, }""");
        using RunningProgram program = RunningProgram.StartFile(
            "/usr/bin/env",
            "MOESAIC_PORT=2", "MOESAIC_SERVED_MODEL_NAME=from-environment", $"MOESAIC_API_KEY={Key}", $"MOESAIC_CONFIG={config}",
            Path.Combine(RunningProgram.Folder, RunningProgram.ProgramName), "serve", "--port", "0", "--log-level", "warning");
        program.AwaitError("ready: from-environment");
        Uri address = Address(program);
        foreach (string? key in new[] { null, Key, "canary-key-2", "canary-key-3", "alice" })
        {
            using HttpRequestMessage request = new(HttpMethod.Get, new Uri(address, "/version"));
            request.Headers.Authorization = key is null ? null : new AuthenticationHeaderValue("Bearer", key);
            using HttpResponseMessage response = await _client.SendAsync(request);
            Assert.That(response.StatusCode, Is.EqualTo(key?.StartsWith("canary", StringComparison.Ordinal) == true ? HttpStatusCode.OK : HttpStatusCode.Unauthorized), key);
        }

        program.Signal("TERM");
        ProgramRun run = program.End();
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        Assert.That(run.Error, Does.Contain("one of 3 API keys is needed").And.Not.Contain("canary").And.Not.Contain("-> 200"));
    }

    [TestCase("--port is '70000'; expected a whole number from 0 to 65535", "--port", "70000")]
    [TestCase("--host is 'example.org'; expected an address", "--host", "example.org")]
    [TestCase("--kv-memory is 'much'; expected a size", "--kv-memory", "much")]
    [TestCase("--request-timeout is '-1'", "--request-timeout=-1")]
    [TestCase("--prefix-caching is 'maybe'; expected on or off", "--prefix-caching", "maybe")]
    [TestCase("--kv-format is 'f64'; expected f32, bf16 or int8", "--kv-format", "f64")]
    [TestCase("fewer than 64 sequences", "--max-tokens-per-step", "8")]
    [TestCase("--tls-key needs --tls-certificate", "--tls-key", "key.pem")]
    [TestCase("the TLS certificate /nowhere.pem", "--tls-certificate", "/nowhere.pem")]
    [TestCase("a key is 1 to 512 characters", "--api-key", "two words")]
    [TestCase("two API keys have the same name or are the same", "--api-key", "a", "--api-key", "a")]
    [TestCase("the admin key is an API key too", "--api-key", "a", "--admin-key", "a")]
    [TestCase("names one model, but there are 2", "--model", "a=/x", "--model", "b=/y", "--served-model-name", "c")]
    [TestCase("there is no such file", "--config", "/nowhere.json")]
    [TestCase("there is no such file", "--api-key-file", "/nowhere.txt")]
    public void Impossible_settings_are_bad_usage(string message, params string[] arguments)
    {
        ProgramRun run = ProgramRun.Of(["serve", .. arguments]);
        Assert.That((run.ExitCode, run.Output), Is.EqualTo((2, "")), run.Error);
        Assert.That(run.Error, Does.Contain(message));
    }

    [TestCase("[]", "expected one JSON object")]
    [TestCase("{\"port\":", "not JSON")]
    [TestCase("{\"prot\": 1}", "'prot' is no setting")]
    [TestCase("{\"port\": 1, \"port\": 2}", "'port' is there twice")]
    [TestCase("{\"max-waiting\": 1, \"max_waiting\": 2}", "'max_waiting' is there twice")]
    [TestCase("{\"max-waiting\": [1]}", "expected a text, a number, true or false")]
    [TestCase("{\"max-waiting\": 0}", "'max-waiting' is '0'; expected a whole number")]
    [TestCase("{\"config\": \"x\"}", "'config' is no setting")]
    public void A_bad_file_is_told_with_its_key(string json, string message)
    {
        ProgramRun run = ProgramRun.Of("serve", "--config", _samples.Write("config.json", json));
        Assert.That(run.ExitCode, Is.EqualTo(2), run.Error);
        Assert.That(run.Error, Does.Contain(message));
    }

    [Test]
    public void A_key_file_without_a_key_is_not_taken_for_an_open_door()
    {
        ProgramRun run = ProgramRun.Of("serve", "--api-key-file", _samples.Write("keys.txt", "# none yet\n"));
        Assert.That(run.ExitCode, Is.EqualTo(2), run.Error);
        Assert.That(run.Error, Does.Contain("it holds no key"));
    }

    [Test]
    public void A_model_that_cannot_be_loaded_ends_the_program_with_its_code()
    {
        ProgramRun run = ProgramRun.Of("serve", "--port", "0", "--model", $"broken={_samples.Write("broken.gguf", "no model")}");
        Assert.That(run.ExitCode, Is.EqualTo(3), run.Error);
    }

    private static Uri Address(RunningProgram program)
    {
        program.AwaitError("listening on ");
        return new Uri(Listening().Match(program.ErrorSoFar).Groups[1].Value);
    }

    [GeneratedRegex(@"listening on (\S+) ")]
    private static partial Regex Listening();
}
