using System.Collections.Concurrent;
using Microsoft.Playwright;

namespace Moesaic.Browser.Tests;

/// <summary>A test with the chat page open in a tab of its own, against a host that the test scripts.</summary>
internal abstract class PageTest
{
    // A limit for failures only: every wait ends as soon as its condition holds.
    private const float TimeoutMilliseconds = 60_000;

    private readonly ConcurrentQueue<string> _complaints = new();
    private IBrowserContext _context = null!;

    protected ScriptedHost Host { get; private set; } = null!;

    protected IPage Page { get; private set; } = null!;

    protected virtual BrowserNewContextOptions Options => new();

    /// <summary>What the browser writes to the console about refused requests is expected where the host refuses.</summary>
    protected virtual bool AllowsFailedRequests => false;

    protected ILocator Prompt => Page.GetByRole(AriaRole.Textbox, new() { Name = "Message", Exact = true });

    protected ILocator Send => Page.GetByRole(AriaRole.Button, new() { Name = "Send" });

    protected ILocator Stop => Page.GetByRole(AriaRole.Button, new() { Name = "Stop" });

    protected ILocator Answers => Page.Locator("article.answer");

    /// <summary>Text of the last answer, without heading and counts.</summary>
    protected ILocator AnswerText => Answers.Last.Locator("> .text");

    [SetUp]
    public async Task OpenTabAsync()
    {
        _complaints.Clear();
        Host = await ScriptedHost.StartAsync();
        _context = await Chromium.Browser.NewContextAsync(Options);
        _context.SetDefaultTimeout(TimeoutMilliseconds);
        Assertions.SetDefaultExpectTimeout(TimeoutMilliseconds);
        Page = await _context.NewPageAsync();
        Page.PageError += (_, error) => _complaints.Enqueue($"page error: {error}");
        Page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning" && !(AllowsFailedRequests && message.Text.StartsWith("Failed to load resource", StringComparison.Ordinal)))
            {
                _complaints.Enqueue($"{message.Type}: {message.Text}");
            }
        };
    }

    [TearDown]
    public async Task CloseTabAsync()
    {
        await TakePictureAsync();
        await _context.DisposeAsync();
        await Host.DisposeAsync();
        Assert.That(_complaints, Is.Empty, "what the browser complained about");
    }

    /// <summary>Opens the page and waits until it can be used.</summary>
    protected async Task OpenAsync()
    {
        await Page.GotoAsync(Host.Address);
        await Expect(Send).ToBeEnabledAsync();
    }

    protected async Task AskAsync(string question)
    {
        await Prompt.FillAsync(question);
        await Prompt.PressAsync("Enter");
    }

    /// <summary>Asks and lets the host answer with one piece of text.</summary>
    protected async Task AskAsync(string question, string answer)
    {
        FedStream stream = Host.NextStream();
        stream.Content(answer);
        stream.Finish();
        await AskAsync(question);
        await Expect(AnswerText).ToHaveTextAsync(answer);
        await Expect(Send).ToBeVisibleAsync();
    }

    /// <summary>A picture of how each failed test ended, in out/screenshots; of every test where MOESAIC_SCREENSHOTS is set.</summary>
    private async Task TakePictureAsync()
    {
        TestContext test = TestContext.CurrentContext;
        if (test.Result.FailCount > 0 || Environment.GetEnvironmentVariable("MOESAIC_SCREENSHOTS") is not null)
        {
            string name = string.Concat($"{GetType().Name}.{test.Test.Name}".Select(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' ? c : '-').Take(120));
            await Page.ScreenshotAsync(new() { Path = Path.Combine(TestSupport.TestPaths.RepositoryRoot, "out", "screenshots", name + ".png") });
        }
    }

    protected static ILocatorAssertions Expect(ILocator locator) => Assertions.Expect(locator);
}
