using System.Net;
using Moesaic.Cli.BenchServe;

namespace Moesaic.Cli.Tests.BenchServe;

/// <summary>Times and counts that are taken of one answer, on a clock that the script of the answer moves.</summary>
internal sealed class StreamingClientTests
{
    private const string Finish = """data: {"choices":[{"text":"","finish_reason":"length"}]}""" + "\n\n";
    private const string Done = "data: [DONE]\n\n";
    private static readonly TimeSpan s_timeout = TimeSpan.FromHours(1);

    [Test]
    public async Task Takes_the_time_of_each_event_as_it_comes()
    {
        RequestRecord record = await Send(
            (0.25, Text("a")), (0.05, Text("b")), (0.15, Text("c")), (0.1, Finish), (0.2, Usage(7, 3)), (0.3, Done));
        Assert.That(record.Error, Is.Null);
        Assert.That((record.PromptTokens, record.OutputTokens, record.HasUsage), Is.EqualTo((7, 3, true)));
        Assert.That(record.TimeToFirstToken, Is.EqualTo(0.25).Within(1e-9));
        Assert.That(record.InterTokenLatencies, Is.EqualTo(new[] { 0.05, 0.15 }).Within(1e-9));

        // What comes after the last piece of the answer is no part of its latency.
        Assert.That(record.Latency, Is.EqualTo(0.45).Within(1e-9));
        Assert.That(record.TimePerOutputToken, Is.EqualTo(0.1).Within(1e-9));
        Assert.That(record.End, Is.EqualTo(1.05).Within(1e-9));
    }

    [Test]
    public async Task An_event_of_several_tokens_is_one_pause_but_counts_its_tokens()
    {
        RequestRecord record = await Send((0.1, Text("a b")), (0.4, Text("c d e")), (0, Finish), (0, Usage(2, 5)), (0, Done));
        Assert.That(record.InterTokenLatencies, Is.EqualTo(new[] { 0.4 }).Within(1e-9));
        Assert.That(record.TimePerOutputToken, Is.EqualTo(0.1).Within(1e-9));
    }

    [Test]
    public async Task An_event_in_two_pieces_counts_when_it_is_whole()
    {
        string text = Text("a");
        RequestRecord record = await Send((0.1, text[..10]), (0.2, text[10..]), (0, Finish), (0, Done));
        Assert.That(record.EventTimes, Is.EqualTo(new[] { 0.3 }).Within(1e-9));
        Assert.That((record.OutputTokens, record.HasUsage), Is.EqualTo((1, false)));
    }

    [Test]
    public async Task Roles_empty_texts_and_comments_are_no_first_token()
    {
        RequestRecord record = await Send(
            (0.1, """data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}""" + "\n\n"),
            (0.1, ": ping\n\n"),
            (0.1, """data: {"choices":[{"index":0,"delta":{"reasoning_content":"hm"}}]}""" + "\r\n\r\n"),
            (0.1, """data:{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0}]}}]}""" + "\n\n"),
            (0.1, """data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}""" + "\n\n"),
            (0.1, Done));
        Assert.That(record.Error, Is.Null);
        Assert.That(record.EventTimes, Is.EqualTo(new[] { 0.3, 0.4 }).Within(1e-9));
    }

    [TestCase("""data: {"error":{"message":"lost the device","code":"internal"}}""", "lost the device")]
    [TestCase("""data: {"choices":[{"text":"","finish_reason":"error"}]}""", "finish_reason")]
    [TestCase("data: [DONE]", "without a finish_reason")]
    [TestCase("data: {]", "'{'")]
    [TestCase("data: 7", "no JSON object")]
    [TestCase(": nothing more", "ended before the answer did")]
    public async Task A_stream_that_breaks_is_a_failure(string end, string message)
    {
        RequestRecord record = await Send((0.1, Text("a")), (0.1, end + "\n\n"));
        Assert.That(record.Error, Does.Contain(message).Or.Contain("invalid"));
        Assert.That((record.IsSuccess, record.End), Is.EqualTo((false, 0.2)));
    }

    [TestCase("""{"error":{"message":"queue is full","code":"overloaded"}}""", "HTTP 429: queue is full")]
    [TestCase("""{"object":"error","message":"queue is full"}""", "HTTP 429: queue is full")]
    [TestCase("""{"error":"Unauthorized"}""", "HTTP 429: Unauthorized")]
    [TestCase("<html>\nno</html>", "HTTP 429: <html> no</html>")]
    [TestCase("", "HTTP 429")]
    public async Task An_error_reply_is_a_failure_with_its_message(string body, string message)
    {
        VirtualClock clock = new(TimeSpan.Zero);
        RequestRecord record = await Send(clock, new ScriptedHandler(clock, (0.5, body)) { Status = HttpStatusCode.TooManyRequests, MediaType = "application/json" });
        Assert.That(record.Error, Is.EqualTo(message));
    }

    [Test]
    public async Task An_answer_that_is_no_stream_is_a_failure()
    {
        VirtualClock clock = new(TimeSpan.Zero);
        RequestRecord record = await Send(clock, new ScriptedHandler(clock, (0.5, "{}")) { MediaType = "application/json" });
        Assert.That(record.Error, Does.Contain("expected text/event-stream"));
    }

    [Test]
    public async Task Sends_the_key()
    {
        VirtualClock clock = new(TimeSpan.Zero);
        ScriptedHandler handler = new(clock, (0, Finish));
        await Send(clock, handler);
        Assert.That(handler.Authorization, Is.EqualTo("Bearer secret"));
    }

    private static Task<RequestRecord> Send(params (double, string)[] script)
    {
        VirtualClock clock = new(TimeSpan.Zero);
        return Send(clock, new ScriptedHandler(clock, script));
    }

    private static async Task<RequestRecord> Send(VirtualClock clock, ScriptedHandler handler)
    {
        using HttpMessageInvoker http = new(handler);
        RequestRecord record = new(0, 0, 4);
        await new StreamingClient(http, new Uri("http://host.invalid/v1/completions"), "secret", clock, s_timeout)
            .SendAsync("{}"u8.ToArray(), record, clock.GetTimestamp(), CancellationToken.None);
        return record;
    }

    private static string Text(string text) => $$"""data: {"choices":[{"index":0,"text":"{{text}}","finish_reason":null}],"usage":null}""" + "\n\n";

    private static string Usage(int prompt, int output) => $$$"""data: {"choices":[],"usage":{"prompt_tokens":{{{prompt}}},"completion_tokens":{{{output}}}}}""" + "\n\n";
}
