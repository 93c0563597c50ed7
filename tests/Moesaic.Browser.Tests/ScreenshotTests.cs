using Microsoft.Playwright;

namespace Moesaic.Browser.Tests;

/// <summary>Pictures for people, on demand.</summary>
[Explicit("writes pictures into out/screenshots")]
internal sealed class ScreenshotTests : PageTest
{
    [TestCase("wide-light", 1280, 800, ColorScheme.Light)]
    [TestCase("wide-dark", 1280, 800, ColorScheme.Dark)]
    [TestCase("phone-light", 360, 720, ColorScheme.Light)]
    [TestCase("phone-dark", 360, 720, ColorScheme.Dark)]
    public async Task Take(string name, int width, int height, ColorScheme scheme)
    {
        string folder = Path.Combine(TestSupport.TestPaths.RepositoryRoot, "out", "screenshots");
        await Page.SetViewportSizeAsync(width, height);
        await Page.EmulateMediaAsync(new() { ColorScheme = scheme });
        await OpenAsync();
        await Page.ScreenshotAsync(new() { Path = Path.Combine(folder, $"{name}-start.png") });
        FedStream first = Host.NextStream();
        first.Data(Replies.Delta("reasoning_content", "The user wants a definition."));
        first.Content("A river is a large natural stream of water.\n\nIt flows to the sea, a lake, or another river.");
        first.Finish(usage: Replies.Usage(18, 24, 16));
        await AskAsync("What is a river?");
        await Expect(AnswerText).ToContainTextAsync("another river.");
        FedStream second = Host.NextStream();
        second.Content("A lake is");
        await AskAsync("And a lake?");
        await Expect(AnswerText).ToContainTextAsync("A lake is");
        await Page.ScreenshotAsync(new() { Path = Path.Combine(folder, $"{name}-running.png") });
        second.Data(Replies.Error("internal_error", "The step failed; the host's log says why."));
        second.Cut();
        await Expect(Answers.Last.GetByRole(AriaRole.Alert)).ToBeVisibleAsync();
        await Page.ScreenshotAsync(new() { Path = Path.Combine(folder, $"{name}-error.png") });
        if (width < 600)
        {
            await Page.GetByRole(AriaRole.Button, new() { Name = "Settings" }).ClickAsync();
            await Page.ScreenshotAsync(new() { Path = Path.Combine(folder, $"{name}-settings.png") });
        }

        await Page.GetByRole(AriaRole.Button, new() { Name = "API key …" }).ClickAsync();
        await Page.ScreenshotAsync(new() { Path = Path.Combine(folder, $"{name}-key.png") });
    }
}
