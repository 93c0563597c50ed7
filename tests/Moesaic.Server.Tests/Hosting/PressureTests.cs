using System.Text.Json;
using Moesaic.Engine;
using Moesaic.Server.Catalog;
using Moesaic.Server.Routing;
using Moesaic.Server.Tests.OpenAi;

namespace Moesaic.Server.Tests.Hosting;

/// <summary>Full queues, deadlines, loading and draining over every route that generates, whole and streamed.</summary>
internal sealed class PressureTests
{
    private const string Messages = "/v1/messages";
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private static readonly (string Path, string Fields)[] s_routes =
    [
        ("/v1/chat/completions", "\"messages\":[{\"role\":\"user\",\"content\":\"define river\"}],\"max_tokens\":8"),
        ("/v1/completions", "\"prompt\":\"define river\",\"max_tokens\":8"),
        ("/v1/responses", "\"input\":\"define river\",\"max_output_tokens\":8"),
        (Messages, "\"messages\":[{\"role\":\"user\",\"content\":\"define river\"}],\"max_tokens\":8"),
    ];

    [Test]
    public async Task A_full_queue_is_429_and_says_when_to_come_back([Values] bool stream)
    {
        using BusySeat seat = new();
        await using OpenAiHost host = await seat.StartHostAsync(static o => o with { Serving = new ServingOptions { MaxSequences = 1, MaxWaiting = 1 } });
        using HttpResponseMessage runs = await host.OpenAsync(BusySeat.Path, BusySeat.Body);
        Task<JsonElement> waits = host.PostAsync("/v1/completions", "{\"model\":\"m\",\"prompt\":\"a\",\"max_tokens\":1}");
        await UntilAsync(() => host.Engine.Statistics().Waiting == 1);
        foreach ((string path, string fields) in s_routes)
        {
            using HttpResponseMessage response = await SendAsync(host, path, fields, stream);
            await ExpectAsync(response, path, 429, "queue_full", "rate_limit_error");
            Assert.That(response.Headers.RetryAfter?.Delta, Is.GreaterThanOrEqualTo(TimeSpan.FromSeconds(1)), path);
        }

        runs.Dispose();
        await waits;
    }

    [Test]
    public async Task A_request_whose_time_runs_out_before_its_answer_begins_is_504([Values] bool stream)
    {
        ManualClock clock = new();
        using BusySeat seat = new();
        await using OpenAiHost host = await seat.StartHostAsync(o => o with
        {
            RequestTimeout = TimeSpan.FromHours(1),
            KeepAliveInterval = null,
            Serving = new ServingOptions { MaxSequences = 1, Clock = clock },
        });
        foreach ((string path, string fields) in s_routes)
        {
            using HttpResponseMessage runs = await host.OpenAsync(BusySeat.Path, BusySeat.Body);
            Task<HttpResponseMessage> late = SendAsync(host, path, fields, stream);
            await UntilAsync(() => host.Engine.Statistics().Waiting == 1);
            clock.Advance(TimeSpan.FromHours(2));
            using HttpResponseMessage response = await late;
            await ExpectAsync(response, path, 504, "deadline_exceeded", "timeout_error");
        }

        await UntilAsync(() => host.Engine.Statistics() is { Running: 0, BlocksUsed: 0 });
        Assert.That(host.Engine.CheckIntegrity(), Is.Null);
    }

    [TestCase("/v1/chat/completions", "\"messages\":[{\"role\":\"user\",\"content\":\"define river\"}],\"ignore_eos\":true")]
    [TestCase("/v1/completions", "\"prompt\":\"define river\",\"max_tokens\":100000,\"ignore_eos\":true")]
    public async Task A_stream_whose_time_runs_out_tells_so_at_its_end(string path, string fields)
    {
        ManualClock clock = new();
        using BusySeat seat = new();
        await using OpenAiHost host = await seat.StartHostAsync(o => o with { RequestTimeout = TimeSpan.FromHours(1), Serving = new ServingOptions { Clock = clock } });
        using HttpResponseMessage response = await SendAsync(host, path, fields, stream: true);
        using StreamReader reader = new(await response.Content.ReadAsStreamAsync());
        await OpenAiHost.ReadEventAsync(reader);
        clock.Advance(TimeSpan.FromHours(2));
        SseEvent last = default;
        SseEvent done = default;
        while (await OpenAiHost.ReadEventAsync(reader) is { } found)
        {
            (last, done) = (done, found);
        }

        Assert.That(done.IsDone);
        Assert.That(last.Data.GetProperty("error").GetProperty("code").GetString(), Is.EqualTo("deadline_exceeded"));
        Assert.That(last.Data.GetProperty("choices")[0].GetProperty("finish_reason").GetString(), Is.EqualTo("error"));
    }

    [Test]
    public async Task While_it_loads_and_while_it_drains_everything_is_503([Values] bool stream)
    {
        using ManualResetEventSlim release = new();
        ServerOptions options = TestHost.Options with { Engine = TestHost.Options.Engine with { Progress = _ => release.Wait() }, LogWriter = TextWriter.Null };
        await using ServiceHost host = await ServiceHost.StartAsync(options, Routes.All, CancellationToken.None);
        using HttpClient client = new() { BaseAddress = host.Address };
        try
        {
            await ExpectAllAsync("loading");
        }
        finally
        {
            release.Set();
        }

        await host.Ready;
        host.Services.Models.StopAdmitting();
        Assert.That(host.Services.Models.State, Is.EqualTo(ReadinessState.Draining));
        await ExpectAllAsync("draining");

        async Task ExpectAllAsync(string code)
        {
            foreach ((string path, string fields) in s_routes)
            {
                using StringContent content = new(Body(fields, stream), System.Text.Encoding.UTF8, "application/json");
                using HttpResponseMessage response = await client.PostAsync(path, content);
                await ExpectAsync(response, path, 503, code, path == Messages ? "overloaded_error" : "unavailable_error");
                Assert.That(response.Headers.RetryAfter?.Delta, Is.GreaterThanOrEqualTo(TimeSpan.FromSeconds(1)), path);
            }
        }
    }

    private static string Body(string fields, bool stream) => "{\"model\":\"m\"," + fields + (stream ? ",\"stream\":true}" : "}");

    private static Task<HttpResponseMessage> SendAsync(OpenAiHost host, string path, string fields, bool stream) =>
        host.SendAsync(path, Body(fields, stream), CancellationToken.None);

    private static async Task ExpectAsync(HttpResponseMessage response, string path, int status, string code, string type)
    {
        string text = await response.Content.ReadAsStringAsync();
        Assert.That((int)response.StatusCode, Is.EqualTo(status), path + ": " + text);
        JsonElement body = JsonElement.Parse(text);
        Assert.That(body.TryGetProperty("type", out _), Is.EqualTo(path == Messages), "the envelope of the protocol");
        JsonElement error = body.GetProperty("error");
        Assert.That(error.GetProperty("code").GetString(), Is.EqualTo(code), path);
        Assert.That(error.GetProperty("type").GetString(), Is.EqualTo(type), path);
    }

    // The limit only keeps a broken host from hanging the test.
    private static async Task UntilAsync(Func<bool> holds)
    {
        using CancellationTokenSource limit = new(s_patience);
        while (!holds())
        {
            limit.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }
}
