using System.Diagnostics;
using System.Text.Json;
using Moesaic.Engine;

namespace Moesaic.Server.Tests.OpenAi;

/// <summary>Streams that end before their answer does.</summary>
internal sealed class StreamEndTests : OpenAiTests
{
    private const string Endless = "\"temperature\":0,\"ignore_eos\":true,\"stream\":true";

    [TestCase(Chat, River, "")]
    [TestCase(Chat, River, ",\"n\":3")]
    [TestCase(Completions, RiverPrompt, ",\"max_tokens\":900")]
    public async Task Client_that_leaves_frees_its_blocks(string path, string prompt, string more)
    {
        long before = Host.Engine.Statistics().GeneratedTokens;
        using (HttpResponseMessage response = await Host.OpenAsync(path, "{" + prompt + "," + Endless + more + "}"))
        {
            using StreamReader reader = new(await response.Content.ReadAsStreamAsync());
            await OpenAiHost.ReadEventAsync(reader);
        }

        await UntilAsync(static now => now.Running == 0 && now.BlocksUsed == 0);
        Assert.That(Host.Engine.Statistics().GeneratedTokens - before, Is.LessThan(880));
        Assert.That(Host.Engine.CheckIntegrity(), Is.Null);
    }

    [Test]
    public async Task Client_that_leaves_while_it_waits_for_a_whole_answer_frees_its_blocks()
    {
        using CancellationTokenSource left = new();
        long before = Host.Engine.Statistics().GeneratedTokens;
        Task<HttpResponseMessage> waits = Host.SendAsync(Chat, "{" + River + ",\"ignore_eos\":true}", left.Token);
        await UntilAsync(now => now.GeneratedTokens > before);
        await left.CancelAsync();
        Assert.That(async () => await waits, Throws.InstanceOf<OperationCanceledException>());
        await UntilAsync(static now => now.Running == 0 && now.BlocksUsed == 0);
        Assert.That(Host.Engine.Statistics().GeneratedTokens - before, Is.LessThan(880));
    }

    [TestCase(Chat, River)]
    [TestCase(Completions, RiverPrompt + ",\"max_tokens\":900")]
    public async Task Failure_within_a_stream_is_told_and_is_no_success(string path, string prompt)
    {
        await using OpenAiHost host = await OpenAiHost.StartAsync();
        using HttpResponseMessage response = await host.OpenAsync(path, "{" + prompt + "," + Endless + "}");
        using StreamReader reader = new(await response.Content.ReadAsStreamAsync());
        await OpenAiHost.ReadEventAsync(reader);
        Task drained = host.Engine.DrainAsync(TimeSpan.Zero);
        List<SseEvent> events = [];
        while (await OpenAiHost.ReadEventAsync(reader) is { } found)
        {
            events.Add(found);
        }

        await drained;
        Assert.That(events[^1].IsDone);
        JsonElement last = events[^2].Data;
        Assert.That(Finish(last), Is.EqualTo("error"));
        Assert.That(last.GetProperty("error").GetProperty("code").GetString(), Is.EqualTo("draining"));
        Assert.That(Shape(last.GetProperty("error")), Is.EqualTo("message,type,param,code"));
    }

    [Test]
    public async Task Failure_within_a_response_is_told_by_its_last_event()
    {
        await using StringWriter log = new();
        await using OpenAiHost host = await OpenAiHost.StartAsync(change: o => o with { LogWriter = TextWriter.Synchronized(log) });
        using HttpResponseMessage response = await host.OpenAsync("/v1/responses", "{\"model\":\"m\",\"input\":\"define river\"," + Endless + "}");
        using StreamReader reader = new(await response.Content.ReadAsStreamAsync());
        await OpenAiHost.ReadEventAsync(reader);
        Task drained = host.Engine.DrainAsync(TimeSpan.Zero);
        SseEvent last = default;
        while (await OpenAiHost.ReadEventAsync(reader) is { } found)
        {
            last = found;
        }

        await drained;
        Assert.That(last.Name, Is.EqualTo("response.failed"));
        Assert.That(log.ToString(), Does.Not.Contain(" error "), "a host that ends is no failure of its own");
        Assert.That(last.Data.GetProperty("response").GetProperty("error").GetProperty("code").GetString(), Is.EqualTo("draining"));
    }

    // Far less time than the whole answer takes is enough; the limit only keeps a broken host from hanging the test.
    private static async Task UntilAsync(Func<EngineStatistics, bool> holds)
    {
        Stopwatch waited = Stopwatch.StartNew();
        while (!holds(Host.Engine.Statistics()))
        {
            Assert.That(waited.Elapsed, Is.LessThan(TimeSpan.FromSeconds(60)), Host.Engine.Statistics().ToString());
            await Task.Yield();
        }
    }

    [Test]
    public async Task Failure_before_a_stream_has_a_status()
    {
        await using OpenAiHost host = await OpenAiHost.StartAsync();
        host.Engine.StopAdmitting();
        (System.Net.HttpStatusCode status, JsonElement body) = await host.TryPostAsync(Chat, "{" + River + "," + Endless + "}");
        Assert.That(status, Is.EqualTo(System.Net.HttpStatusCode.ServiceUnavailable), body.ToString());
    }
}
