using System.Text.Json;
using Microsoft.Playwright;

namespace Moesaic.Browser.Tests;

/// <summary>The page on a small touch screen.</summary>
internal sealed class PhoneTests : PageTest
{
    private const int Width = 360;

    protected override BrowserNewContextOptions Options => new()
    {
        ViewportSize = new() { Width = Width, Height = 640 },
        HasTouch = true,
        IsMobile = true,
        DeviceScaleFactor = 2,
    };

    [Test]
    public async Task Everything_fits_and_can_be_hit()
    {
        await OpenAsync();
        await AskAsync("Hi", new string('w', 400));
        foreach (bool withSettings in new[] { false, true })
        {
            if (withSettings)
            {
                await Page.GetByRole(AriaRole.Button, new() { Name = "Settings" }).TapAsync();
                await Expect(Page.GetByLabel("Temperature")).ToBeVisibleAsync();
            }

            Assert.That(await Page.EvaluateAsync<int>("document.documentElement.scrollWidth"), Is.EqualTo(Width));
            string small = await Page.EvaluateAsync<string>(
                """
                () => JSON.stringify([...document.querySelectorAll("header button, select, #composer button, textarea, input")]
                  .filter((e) => e.checkVisibility()).map((e) => ({ name: e.id || e.name, box: e.getBoundingClientRect() }))
                  .filter(({ box }) => box.height < 44 || box.left < 0 || box.right > innerWidth))
                """);
            Assert.That(small, Is.EqualTo("[]"));
        }
    }

    [Test]
    public async Task The_message_field_stays_in_sight_below_a_long_answer()
    {
        await OpenAsync();
        await AskAsync("Hi", string.Join('\n', Enumerable.Range(0, 200)));
        await Expect(Prompt).ToBeInViewportAsync(new() { Ratio = 1 });
        await Expect(Send).ToBeInViewportAsync(new() { Ratio = 1 });
        JsonElement end = JsonElement.Parse(await Page.EvaluateAsync<string>("JSON.stringify({ rest: log.scrollHeight - log.scrollTop - log.clientHeight })"));
        Assert.That(end.GetProperty("rest").GetDouble(), Is.LessThan(2), "the end of the answer is in sight");
    }

    [Test]
    public async Task A_reader_who_scrolled_up_is_left_alone()
    {
        await OpenAsync();
        FedStream stream = Host.NextStream();
        await AskAsync("Hi");
        stream.Content(string.Join('\n', Enumerable.Range(0, 200)) + "\nfirst end");
        await Expect(AnswerText).ToContainTextAsync("first end");
        await Page.EvaluateAsync("log.scrollTop = 0");
        stream.Content("\nsecond end");
        stream.Finish();
        await Expect(AnswerText).ToContainTextAsync("second end");
        Assert.That(await Page.EvaluateAsync<double>("log.scrollTop"), Is.Zero);
    }
}
