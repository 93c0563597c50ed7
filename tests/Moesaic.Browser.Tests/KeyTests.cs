using Microsoft.Playwright;

namespace Moesaic.Browser.Tests;

/// <summary>The page asks for a key when the host wants one, and keeps it in the tab.</summary>
internal sealed class KeyTests : PageTest
{
    protected override bool AllowsFailedRequests => true;

    private ILocator Dialog => Page.GetByRole(AriaRole.Dialog, new() { Name = "API key" });

    private ILocator Field => Dialog.GetByLabel("Key", new() { Exact = true });

    [Test]
    public async Task A_key_is_asked_for_and_used()
    {
        Host.Key = "s3cret";
        await Page.GotoAsync(Host.Address);
        await Expect(Dialog).ToContainTextAsync("The host asks for a key.");
        await Expect(Field).ToBeFocusedAsync();
        await Field.FillAsync("wrong");
        await Field.PressAsync("Enter");
        await Expect(Dialog).ToContainTextAsync("The host refused this key.");
        await Field.FillAsync("s3cret");
        await Field.PressAsync("Enter");
        await Expect(Dialog).ToBeHiddenAsync();
        await Expect(Send).ToBeEnabledAsync();
        await AskAsync("Hi", "Hello");
        Assert.That(await Page.EvaluateAsync<string>("sessionStorage.getItem('moesaic.key')"), Is.EqualTo("s3cret"));
        Assert.That(await Page.EvaluateAsync<int>("localStorage.length"), Is.Zero);
        Assert.That(await Page.EvaluateAsync<string>("document.cookie"), Is.Empty);
    }

    [Test]
    public async Task The_tab_remembers_its_key_over_a_reload()
    {
        Host.Key = "s3cret";
        await Page.GotoAsync(Host.Address);
        await Field.FillAsync("s3cret");
        await Dialog.GetByRole(AriaRole.Button, new() { Name = "Use key" }).ClickAsync();
        await Expect(Send).ToBeEnabledAsync();
        await Page.ReloadAsync();
        await Expect(Send).ToBeEnabledAsync();
        await Expect(Dialog).ToBeHiddenAsync();
    }

    [Test]
    public async Task Without_a_key_the_page_says_what_it_needs()
    {
        Host.Key = "s3cret";
        await Page.GotoAsync(Host.Address);
        await Expect(Dialog).ToBeVisibleAsync();
        await Page.Keyboard.PressAsync("Escape");
        await Expect(Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("Without a key the host does not answer.");
        await Page.GetByRole(AriaRole.Button, new() { Name = "Try again" }).ClickAsync();
        await Expect(Dialog).ToBeVisibleAsync();
    }

    [Test]
    public async Task A_key_that_is_withdrawn_is_asked_for_again()
    {
        await OpenAsync();
        Host.Key = "new";
        await AskAsync("Hi");
        await Expect(Dialog).ToBeVisibleAsync();
        await Field.FillAsync("new");
        await Field.PressAsync("Enter");
        await Expect(Dialog).ToBeHiddenAsync();
        FedStream stream = Host.NextStream();
        stream.Content("Hello");
        stream.Finish();
        await Answers.Last.GetByRole(AriaRole.Button, new() { Name = "Try again" }).ClickAsync();
        await Expect(AnswerText).ToHaveTextAsync("Hello");
    }
}
