using System.Text.Json;
using Microsoft.Playwright;

namespace Moesaic.Browser.Tests;

/// <summary>Asking, watching the answer grow, stopping it.</summary>
internal sealed class StreamingTests : PageTest
{
    [Test]
    public async Task An_answer_grows_while_the_host_streams_it()
    {
        await OpenAsync();
        FedStream stream = Host.NextStream();
        await AskAsync("What is a river?");
        await Expect(Stop).ToBeVisibleAsync();
        await Expect(Page.GetByRole(AriaRole.Log)).ToHaveAttributeAsync("aria-busy", "true");
        stream.Content("A large");
        await Expect(AnswerText).ToHaveTextAsync("A large");
        stream.Content(" stream.");
        await Expect(AnswerText).ToHaveTextAsync("A large stream.");
        stream.Finish();
        await Expect(Send).ToBeVisibleAsync();
        await Expect(Stop).ToBeHiddenAsync();
        await Expect(Page.GetByRole(AriaRole.Log)).ToHaveAttributeAsync("aria-busy", "false");
        await Expect(Page.GetByRole(AriaRole.Status)).ToContainTextAsync("Answer complete.");
        await Expect(Prompt).ToBeFocusedAsync();
    }

    [Test]
    public async Task Counts_and_speed_are_the_hosts()
    {
        await OpenAsync();
        FedStream stream = Host.NextStream();
        await AskAsync("Count");
        stream.Content("one");
        await Expect(Answers.Last.Locator(".meter")).ToContainTextAsync("1 piece");
        stream.Content(" two");
        await Expect(Answers.Last.Locator(".meter")).ToContainTextAsync("2 pieces");
        stream.Finish(usage: Replies.Usage(prompt: 21, completion: 5, cached: 16));
        await Expect(Answers.Last.Locator(".meter")).ToHaveTextAsync(
            new System.Text.RegularExpressions.Regex(@"^21 prompt tokens \(16 from cache\) · 5 tokens · first after [\d.]+ m?s · [\d.]+ tokens/s$"));
        await Expect(Page.Locator("#usage")).ToHaveTextAsync("26 of 512 tokens of context used");
    }

    [Test]
    public async Task Earlier_turns_go_back_to_the_host_without_their_thinking()
    {
        await OpenAsync();
        FedStream stream = Host.NextStream();
        stream.Data(Replies.Delta("reasoning_content", "Hm, a greeting."));
        stream.Content("Hello");
        stream.Finish();
        await AskAsync("Hi");
        await Expect(Send).ToBeVisibleAsync();
        await AskAsync("Again", "Hello again");
        Assert.That(
            Host.Requests.Last().GetProperty("messages").GetRawText(),
            Is.EqualTo("""[{"role":"user","content":"Hi"},{"role":"assistant","content":"Hello"},{"role":"user","content":"Again"}]"""));
    }

    [TestCase("reasoning_content")]
    [TestCase("reasoning")]
    public async Task Thinking_is_folded_away_from_the_answer(string field)
    {
        await OpenAsync();
        FedStream stream = Host.NextStream();
        await AskAsync("Think");
        stream.Data(Replies.Delta(field, "First this,"));
        ILocator summary = Answers.Last.Locator("summary");
        await Expect(summary).ToHaveTextAsync("Thinking …");
        ILocator thought = Answers.Last.Locator("details .text");
        await Expect(thought).ToBeHiddenAsync();
        await summary.ClickAsync();
        await Expect(thought).ToHaveTextAsync("First this,");
        stream.Data(Replies.Delta(field, " then that."));
        await Expect(thought).ToHaveTextAsync("First this, then that.");
        stream.Content("Done.");
        await Expect(summary).ToContainTextAsync("Thought for");
        stream.Finish();
        await Expect(AnswerText).ToHaveTextAsync("Done.");
    }

    [Test]
    public async Task Both_names_of_thinking_at_once_count_once()
    {
        await OpenAsync();
        FedStream stream = Host.NextStream();
        stream.Data("""{"choices":[{"index":0,"delta":{"reasoning":"once","reasoning_content":"once"}}]}""");
        stream.Content("x");
        stream.Finish();
        await AskAsync("Think");
        await Expect(AnswerText).ToHaveTextAsync("x");
        await Expect(Answers.Last.Locator("details .text")).ToHaveTextAsync("once");
    }

    [TestCase("button")]
    [TestCase("key")]
    public async Task Stopping_hangs_up_and_keeps_what_was_said(string how)
    {
        await OpenAsync();
        FedStream stream = Host.NextStream();
        await AskAsync("Tell me everything");
        stream.Content("It began");
        await Expect(AnswerText).ToHaveTextAsync("It began");
        if (how == "button")
        {
            await Stop.ClickAsync();
        }
        else
        {
            await Page.Keyboard.PressAsync("Escape");
        }

        await stream.Left.WaitAsync(TimeSpan.FromSeconds(20));
        await Expect(Answers.Last.Locator(".note")).ToHaveTextAsync("Stopped.");
        await Expect(Prompt).ToBeFocusedAsync();
        await AskAsync("Go on", "and went on.");
        JsonElement messages = Host.Requests.Last().GetProperty("messages");
        Assert.That(messages[1].GetProperty("content").GetString(), Is.EqualTo("It began"));
    }

    [Test]
    public async Task Answering_again_replaces_the_last_answer()
    {
        await OpenAsync();
        await AskAsync("Hi", "First");
        FedStream stream = Host.NextStream();
        stream.Content("Second");
        stream.Finish();
        await Page.GetByRole(AriaRole.Button, new() { Name = "Answer again" }).ClickAsync();
        await Expect(AnswerText).ToHaveTextAsync("Second");
        await Expect(Answers).ToHaveCountAsync(1);
        Assert.That(Host.Requests.Last().GetProperty("messages").GetArrayLength(), Is.EqualTo(1));
    }

    [Test]
    public async Task A_new_chat_forgets_and_ends_the_running_answer()
    {
        await OpenAsync();
        FedStream stream = Host.NextStream();
        await AskAsync("Hi");
        stream.Content("Hel");
        await Expect(AnswerText).ToHaveTextAsync("Hel");
        await Page.GetByRole(AriaRole.Button, new() { Name = "New chat" }).ClickAsync();
        await stream.Left.WaitAsync(TimeSpan.FromSeconds(20));
        await Expect(Answers).ToHaveCountAsync(0);
        await Expect(Send).ToBeVisibleAsync();
        await AskAsync("Fresh", "start");
        Assert.That(Host.Requests.Last().GetProperty("messages").GetArrayLength(), Is.EqualTo(1));
    }

    [Test]
    public async Task The_token_limit_is_told()
    {
        await OpenAsync();
        FedStream stream = Host.NextStream();
        stream.Content("cut");
        stream.Finish("length");
        await AskAsync("Hi");
        await Expect(Answers.Last.Locator(".note")).ToHaveTextAsync("Stopped at the token limit.");
    }

    [Test]
    public async Task A_models_markup_is_shown_and_never_run()
    {
        const string hostile = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script><b>bold</b> &amp; \u202Eright\u202C";
        await OpenAsync();
        FedStream stream = Host.NextStream();
        stream.Data(Replies.Delta("reasoning_content", hostile));
        foreach (char character in hostile)
        {
            stream.Content(character.ToString());
        }

        stream.Finish();
        await AskAsync(hostile);
        await Expect(Send).ToBeVisibleAsync();
        Assert.That(await AnswerText.TextContentAsync(), Is.EqualTo(hostile));
        Assert.That(await Answers.Last.Locator("details .text").TextContentAsync(), Is.EqualTo(hostile));
        Assert.That(await Page.Locator("#log .text *").CountAsync(), Is.Zero);
        Assert.That(await Page.TitleAsync(), Is.EqualTo("Moesaic chat"));
    }
}
