using System.Net;
using System.Net.Sockets;
using System.Text;
using Moesaic.Engine;
using Moesaic.Server.Tests.OpenAi;

namespace Moesaic.Server.Tests.Hosting;

/// <summary>Streams that have nothing to say for long, and clients that do not listen.</summary>
internal sealed class StreamLifeTests
{
    private const string Endless = """{"model":"m","prompt":"define river","max_tokens":900,"temperature":0,"ignore_eos":true,"stream":true}""";

    [TestCase("/v1/chat/completions", """{"model":"m","temperature":0,"messages":[{"role":"user","content":"define river"}],"stream":true}""")]
    [TestCase("/v1/completions", """{"model":"m","temperature":0,"prompt":"define river","stream":true}""")]
    [TestCase("/v1/responses", """{"model":"m","temperature":0,"input":"define river","stream":true}""")]
    [TestCase("/v1/messages", """{"model":"m","temperature":0,"max_tokens":40,"messages":[{"role":"user","content":"define river"}],"stream":true}""")]
    public async Task A_stream_that_waits_gives_signs_of_life(string path, string body)
    {
        ManualClock clock = new();
        TimeSpan interval = TimeSpan.FromSeconds(15);
        using BusySeat seat = new();
        await using OpenAiHost host = await seat.StartHostAsync(
            o => o with { KeepAliveInterval = interval, Serving = new ServingOptions { MaxSequences = 1, Clock = clock } });
        string alone;
        using (HttpResponseMessage response = await host.OpenAsync(path, body))
        {
            alone = await response.Content.ReadAsStringAsync();
        }

        using HttpResponseMessage first = await host.OpenAsync(BusySeat.Path, BusySeat.Body);
        Task<HttpResponseMessage> waiting = host.OpenAsync(path, body);
        using CancellationTokenSource limit = new(TimeSpan.FromSeconds(60));
        while (!waiting.IsCompleted)
        {
            // The stream may not wait yet when the first interval is over.
            clock.Advance(interval);
            limit.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }

        using HttpResponseMessage begun = await waiting;
        using StreamReader reader = new(await begun.Content.ReadAsStreamAsync());
        bool isAnthropic = path == "/v1/messages";
        string head = isAnthropic ? "event: message_start" : ": keep-alive";
        Assert.That(await reader.ReadLineAsync(), Is.EqualTo(head));
        first.Dispose();
        string all = head + "\n" + await reader.ReadToEndAsync();
        string sign = isAnthropic ? "event: ping\ndata: {\"type\":\"ping\"}\n\n" : ": keep-alive\n\n";
        Assert.That(all, Does.Contain(sign));
        Assert.That(Told(all.Replace(sign, "", StringComparison.Ordinal)), Is.EqualTo(Told(alone.Replace(sign, "", StringComparison.Ordinal))), "and the answer is the same");
    }

    [Test]
    public async Task A_client_that_does_not_read_is_cancelled_and_disturbs_nobody()
    {
        using StringWriter log = new();
        await using OpenAiHost host = await OpenAiHost.StartAsync(change: o => o with { MaxUnreadTokens = 64, LogWriter = TextWriter.Synchronized(log) });
        string canary = Endless.Replace("900", "60", StringComparison.Ordinal);
        string alone = await ReadAsync(host, canary);
        long before = host.Engine.Statistics().GeneratedTokens;

        // Events of about 2 KB each: far more than all buffers between hold.
        byte[] body = Encoding.UTF8.GetBytes(Endless.Replace("\"temperature\":0", "\"temperature\":2,\"seed\":3,\"n\":8,\"logprobs\":20", StringComparison.Ordinal));
        using Socket silent = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };
        await silent.ConnectAsync(new IPEndPoint(IPAddress.Loopback, host.Host.Address.Port));
        await silent.SendAsync(Encoding.ASCII.GetBytes(
            $"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n"));
        await silent.SendAsync(body);
        using CancellationTokenSource limit = new(TimeSpan.FromMinutes(2));
        while (host.Engine.Statistics().GeneratedTokens == before)
        {
            limit.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }

        Assert.That(await ReadAsync(host, canary), Is.EqualTo(alone));
        while (host.Engine.Statistics() is not { Running: 0, BlocksUsed: 0 })
        {
            limit.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }

        Assert.That(silent.Connected);
        Assert.That(host.Engine.Statistics().GeneratedTokens - before, Is.LessThan(6000), "of 7200 and the canary's 60");
        Assert.That(host.Engine.CheckIntegrity(), Is.Null);
        silent.LingerState = new LingerOption(true, 0);
        silent.Close();
        while (!log.ToString().Contains("did not read", StringComparison.Ordinal))
        {
            limit.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    private static async Task<string> ReadAsync(OpenAiHost host, string body)
    {
        using HttpResponseMessage response = await host.OpenAsync("/v1/completions", body);
        return Told(await response.Content.ReadAsStringAsync());
    }

    // The pieces of the answer alone: ids, times and counts of cached tokens differ.
    private static string Told(string stream) => string.Concat(
        System.Text.RegularExpressions.Regex.Matches(stream, "\"(content|text|delta|finish_reason|stop_reason)\":(\"[^\"]*\"|null)").Select(static m => m.Value));
}
