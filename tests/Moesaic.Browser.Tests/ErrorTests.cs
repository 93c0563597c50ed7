using Microsoft.AspNetCore.Http;
using Microsoft.Playwright;

namespace Moesaic.Browser.Tests;

/// <summary>Refusals, failures within a stream and broken connections are told, and can be tried again.</summary>
internal sealed class ErrorTests : PageTest
{
    protected override bool AllowsFailedRequests => true;

    private ILocator Error => Answers.Last.GetByRole(AriaRole.Alert);

    [Test]
    public async Task A_refusal_shows_message_code_and_request()
    {
        await OpenAsync();
        Host.Next(context =>
        {
            context.Response.Headers.RetryAfter = "3";
            return Replies.ErrorAsync(context, 429, "queue_full", "Too many requests wait.");
        });
        await AskAsync("Hi");
        await Expect(Error).ToContainTextAsync("Too many requests wait.");
        await Expect(Error).ToContainTextAsync("status 429 · code queue_full · request req-7 · try again in 3 s");
    }

    [Test]
    public async Task A_refused_question_can_be_tried_again_and_is_left_out_otherwise()
    {
        await OpenAsync();
        Host.Next(context => Replies.ErrorAsync(context, 503, "draining", "The host is going down."));
        await AskAsync("Hi");
        await Expect(Error).ToBeVisibleAsync();
        FedStream stream = Host.NextStream();
        stream.Content("Hello");
        stream.Finish();
        await Page.GetByRole(AriaRole.Button, new() { Name = "Try again" }).ClickAsync();
        await Expect(AnswerText).ToHaveTextAsync("Hello");

        Host.Next(context => Replies.ErrorAsync(context, 503, "draining", "The host is going down."));
        await AskAsync("Lost");
        await Expect(Error).ToBeVisibleAsync();
        await AskAsync("Next", "Yes");
        Assert.That(
            Host.Requests.Last().GetProperty("messages").GetRawText(),
            Is.EqualTo("""[{"role":"user","content":"Hi"},{"role":"assistant","content":"Hello"},{"role":"user","content":"Next"}]"""));
    }

    [Test]
    public async Task A_failure_within_the_stream_keeps_the_text_and_says_what_happened()
    {
        await OpenAsync();
        FedStream stream = Host.NextStream();
        stream.Content("Half");
        stream.Data(Replies.Error("internal_error", "The step failed."));
        stream.Raw("data: [DONE]\n\n");
        stream.Cut();
        await AskAsync("Hi");
        await Expect(AnswerText).ToHaveTextAsync("Half");
        await Expect(Error).ToContainTextAsync("The step failed.");
        await Expect(Error).ToContainTextAsync("code internal_error");
    }

    [Test]
    public async Task A_stream_without_its_end_mark_is_no_answer()
    {
        await OpenAsync();
        FedStream stream = Host.NextStream();
        stream.Content("Half");
        stream.Cut();
        await AskAsync("Hi");
        await Expect(Error).ToContainTextAsync("The connection ended before the answer was complete.");
    }

    [Test]
    public async Task A_connection_that_breaks_is_told()
    {
        await OpenAsync();
        FedStream stream = Host.NextStream();
        stream.Content("Half");
        await AskAsync("Hi");
        await Expect(AnswerText).ToHaveTextAsync("Half");
        stream.Break();
        await Expect(Error).ToContainTextAsync("The connection to the host broke.");
    }

    [Test]
    public async Task An_answer_that_is_no_json_is_told()
    {
        await OpenAsync();
        Host.Next(async context =>
        {
            context.Response.StatusCode = 502;
            await context.Response.WriteAsync("<html>Bad gateway</html>");
        });
        await AskAsync("Hi");
        await Expect(Error).ToContainTextAsync("The host answered with status 502.");
    }

    [Test]
    public async Task An_unreachable_host_is_told()
    {
        await OpenAsync();
        await Host.DisposeAsync();
        await AskAsync("Hi");
        await Expect(Error).ToContainTextAsync("The host cannot be reached.");
    }
}
