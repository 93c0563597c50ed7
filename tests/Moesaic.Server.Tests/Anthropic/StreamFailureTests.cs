using System.Text;
using System.Text.Json;
using Moesaic.Engine;

namespace Moesaic.Server.Tests.Anthropic;

/// <summary>A failure after the stream began is told in the stream, and no client can take it for an end.</summary>
internal sealed class StreamFailureTests
{
    [Test]
    public async Task An_answer_whose_time_runs_out_ends_with_an_error_event()
    {
        LeapingClock clock = new();
        await using ServiceHost host = await ServiceHost.StartAsync(new ServerOptions
        {
            Port = 0,
            RequestTimeout = TimeSpan.FromHours(1),
            Serving = new ServingOptions { Clock = clock },
        });
        await host.Ready;
        using HttpClient client = new() { BaseAddress = host.Address };
        // Nearly every token is as likely as another, so that the answer fills the context.
        using HttpRequestMessage request = new(HttpMethod.Post, "/v1/messages")
        {
            Content = new StringContent(
                $$"""{"model":"{{await ModelAsync(client)}}","max_tokens":1000,"temperature":2,"top_k":0,"top_p":1,"seed":5,"stream":true,"messages":[{"role":"user","content":"define river"}]}""",
                Encoding.UTF8, "application/json"),
        };
        using HttpResponseMessage response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using StreamReader reader = new(await response.Content.ReadAsStreamAsync());
        string? first = await reader.ReadLineAsync();
        Assert.That(first, Is.EqualTo("event: message_start"));
        clock.Leap(TimeSpan.FromHours(2));
        List<(string Name, JsonElement Data)> events = MessageStream.Parse(first + "\n" + await reader.ReadToEndAsync());
        Assert.That(events[^1].Name, Is.EqualTo("error"));
        Assert.That(events[^1].Data.GetProperty("type").GetString(), Is.EqualTo("error"));
        Assert.That(events[^1].Data.GetProperty("error").GetProperty("type").GetString(), Is.EqualTo("timeout_error"));
        Assert.That(events[^1].Data.GetProperty("error").GetProperty("code").GetString(), Is.EqualTo("deadline_exceeded"));
        Assert.That(events.Select(e => e.Name), Has.None.EqualTo("message_delta").And.None.EqualTo("message_stop"));
    }

    private static async Task<string> ModelAsync(HttpClient client) =>
        JsonElement.Parse(await client.GetStringAsync("/v1/models")).GetProperty("data")[0].GetProperty("id").GetString()!;

    /// <summary>The real clock, which can be put forward.</summary>
    private sealed class LeapingClock : TimeProvider
    {
        private long _leapt;

        public void Leap(TimeSpan time) => Interlocked.Add(ref _leapt, (long)(time.TotalSeconds * TimestampFrequency));

        public override long GetTimestamp() => base.GetTimestamp() + Interlocked.Read(ref _leapt);
    }
}
