using System.Net;
using System.Text.Json;
using Moesaic.Engine;

namespace Moesaic.Server.Tests.OpenAi;

/// <summary>What the host's options change in the protocol.</summary>
internal sealed class HostOptionTests : OpenAiTests
{
    private const string Thinking =
        "{\"model\":\"m\",\"temperature\":0,\"max_tokens\":8,\"continue_final_message\":true,\"messages\":[{\"role\":\"user\",\"content\":\"define river\"},{\"role\":\"assistant\",\"content\":\"<think>\"}]}";

    [TestCase(ReasoningFields.Reasoning, "role,content,reasoning")]
    [TestCase(ReasoningFields.ReasoningContent, "role,content,reasoning_content")]
    public async Task Thinking_is_told_by_the_names_that_were_chosen(ReasoningFields fields, string expected)
    {
        await using OpenAiHost host = await OpenAiHost.StartAsync(change: o => o with { ReasoningFields = fields });
        JsonElement response = await host.PostAsync(Chat, Thinking);
        Assert.That(Shape(response.GetProperty("choices")[0].GetProperty("message")), Is.EqualTo(expected));
    }

    [Test]
    public async Task Answers_that_take_too_long_are_a_504()
    {
        await using OpenAiHost host = await OpenAiHost.StartAsync(change: o => o with { RequestTimeout = TimeSpan.FromMilliseconds(40) });
        await host.ExpectRefusalAsync(Completions, "{" + RiverPrompt + ",\"ignore_eos\":true,\"n\":16,\"max_tokens\":900}", "deadline_exceeded", null, 504);
        Assert.That(host.Engine.CheckIntegrity(), Is.Null);
    }

    [Test]
    public async Task Full_queue_is_a_429_that_says_when_to_try_again()
    {
        await using OpenAiHost host = await OpenAiHost.StartAsync(change: o => o with { Serving = new ServingOptions { MaxSequences = 1, MaxWaiting = 1, KvCacheBytes = 64 << 20 } });
        string body = "{" + RiverPrompt + ",\"ignore_eos\":true,\"max_tokens\":900,\"stream\":true}";
        using HttpResponseMessage runs = await host.OpenAsync(Completions, body);

        // The first one runs, as its stream has begun. Of two more at once, one waits and the other finds the queue full.
        using CancellationTokenSource left = new();
        Task<HttpResponseMessage>[] more = [host.SendAsync(Completions, body, left.Token), host.SendAsync(Completions, body, left.Token)];
        using HttpResponseMessage refused = await await Task.WhenAny(more);
        await left.CancelAsync();
        Assert.That(refused.StatusCode, Is.EqualTo(HttpStatusCode.TooManyRequests));
        Assert.That(refused.Headers.RetryAfter?.Delta, Is.GreaterThanOrEqualTo(TimeSpan.FromSeconds(1)));
        Assert.That(await refused.Content.ReadAsStringAsync(), Does.Contain("\"code\":\"queue_full\""));
        await Task.WhenAll(more).ContinueWith(static _ => { }, TaskScheduler.Default);
    }

    [Test]
    public async Task Unknown_fields_are_logged_by_name_and_prompts_are_not()
    {
        StringWriter log = new();
        OpenAiHost host = await OpenAiHost.StartAsync(change: o => o with { LogWriter = TextWriter.Synchronized(log) });
        await host.PostAsync(Chat, "{" + River + ",\"max_tokens\":1,\"something_new\":{\"a\":\"secret value\"},\"user\":\"u\",\"stream\":false}");
        await host.DisposeAsync();
        Assert.That(log.ToString(), Does.Contain("something_new").And.Not.Contain("secret value").And.Not.Contain("define river").And.Not.Contain("user,"));
    }
}
