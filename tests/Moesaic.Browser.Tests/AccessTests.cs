using System.Text.Json;
using Microsoft.Playwright;

namespace Moesaic.Browser.Tests;

/// <summary>The page by keyboard, for screen readers, in both colour schemes.</summary>
internal sealed class AccessTests : PageTest
{
    /// <summary>Lightness ratios of every text against what is behind it, by the formula of WCAG 2 (1.4.3).</summary>
    private const string Contrasts =
        """
        () => {
          const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
          const rgba = (color) => {
            canvas.clearRect(0, 0, 1, 1);
            canvas.fillStyle = color;
            canvas.fillRect(0, 0, 1, 1);
            return canvas.getImageData(0, 0, 1, 1).data;
          };
          const light = (color) => {
            const [r, g, b] = [...rgba(color)].map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
          };
          const behind = (element) => {
            for (let e = element; e; e = e.parentElement) {
              const back = getComputedStyle(e).backgroundColor;
              if (rgba(back)[3] > 0) return back;
            }
            return "white";
          };
          const found = [];
          for (const element of document.querySelectorAll("body *")) {
            const hasText = [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim() !== "");
            if (!(hasText || element.matches("input, textarea")) || !element.checkVisibility() || element.matches(":disabled, option, script")) continue;
            const [a, b] = [light(getComputedStyle(element).color), light(behind(element))].sort((x, y) => y - x);
            found.push({ text: element.textContent.trim().slice(0, 30), ratio: (a + 0.05) / (b + 0.05) });
          }
          return JSON.stringify(found);
        }
        """;

    /// <summary>Controls without a name for screen readers.</summary>
    private const string Nameless =
        """
        () => [...document.querySelectorAll("button, input, textarea, select, [role=log], dialog, aside")]
          .filter((e) => !(e.getAttribute("aria-label") || e.hasAttribute("aria-labelledby") || e.labels?.length || (e.matches("button") && e.textContent.trim())))
          .map((e) => e.outerHTML)
        """;

    [TestCase(ColorScheme.Light)]
    [TestCase(ColorScheme.Dark)]
    public async Task Text_stands_out_in_both_schemes(ColorScheme scheme)
    {
        await Page.EmulateMediaAsync(new() { ColorScheme = scheme, ReducedMotion = ReducedMotion.Reduce });
        await OpenAsync();
        FedStream stream = Host.NextStream();
        stream.Data(Replies.Delta("reasoning_content", "Hm"));
        stream.Content("Half an answer");
        stream.Data(Replies.Error("internal_error", "The step failed."));
        stream.Cut();
        await AskAsync("A question");
        await Expect(Answers.Last.GetByRole(AriaRole.Alert)).ToBeVisibleAsync();
        await Answers.Last.Locator("summary").ClickAsync();
        JsonElement[] found = [.. JsonElement.Parse(await Page.EvaluateAsync<string>(Contrasts)).EnumerateArray()];
        Assert.That(found, Has.Length.GreaterThan(15));
        Assert.That(found.Where(f => f.GetProperty("ratio").GetDouble() < 4.5).Select(f => f.GetRawText()), Is.Empty);
    }

    [Test]
    public async Task Every_control_has_a_name()
    {
        await OpenAsync();
        await AskAsync("Hi", "Hello");
        Assert.That(await Page.EvaluateAsync<string[]>(Nameless), Is.Empty);
        Assert.That(await Page.Locator("html").GetAttributeAsync("lang"), Is.EqualTo("en"));
        await Expect(Page.GetByRole(AriaRole.Main)).ToMatchAriaSnapshotAsync(
            """
            - log "Conversation":
              - article:
                - heading "You" [level=2]
                - text: Hi
              - article:
                - heading "Answer" [level=2]
                - text: Hello
                - paragraph
                - button "Copy"
                - button "Answer again"
            - textbox "Message"
            - button "Send"
            - status: /Answer complete\./
            """);
    }

    [Test]
    public async Task The_keyboard_alone_is_enough()
    {
        await OpenAsync();
        ILocator skip = Page.GetByRole(AriaRole.Link, new() { Name = "Skip to the message field" });
        Assert.That(await Page.EvaluateAsync<string>("document.querySelector('a, button, select, input, textarea, [tabindex]').className"), Is.EqualTo("skip"));
        await skip.FocusAsync();
        await Expect(skip).ToBeInViewportAsync();
        await Page.Keyboard.PressAsync("Enter");
        await Expect(Prompt).ToBeFocusedAsync();
        await Page.Keyboard.TypeAsync("one");
        await Page.Keyboard.PressAsync("Shift+Enter");
        await Page.Keyboard.TypeAsync("two");
        FedStream stream = Host.NextStream();
        await Page.Keyboard.PressAsync("Tab");
        await Expect(Send).ToBeFocusedAsync();
        await Page.Keyboard.PressAsync("Space");
        // The button that had the focus is gone; the one in its place has it.
        await Expect(Stop).ToBeFocusedAsync();
        stream.Content("three");
        stream.Finish();
        await Expect(AnswerText).ToHaveTextAsync("three");
        await Expect(Prompt).ToBeFocusedAsync();
        Assert.That(Host.Requests.Single().GetProperty("messages")[0].GetProperty("content").GetString(), Is.EqualTo("one\ntwo"));
    }

    [Test]
    public async Task Nothing_is_asked_of_other_hosts_and_every_file_is_used()
    {
        List<string> addresses = [];
        Page.Request += (_, request) => addresses.Add(request.Url);
        await OpenAsync();
        await AskAsync("Hi", "Hello");
        Assert.That(addresses, Has.All.StartsWith(Host.Address + "/"));
        Assert.That(addresses.Select(a => new Uri(a).AbsolutePath), Is.SupersetOf(Server.Page.PageFiles.All.Select(f => f.Path)));
    }
}
