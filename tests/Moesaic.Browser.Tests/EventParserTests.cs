using System.Text.Json;

namespace Moesaic.Browser.Tests;

/// <summary>The page's reader of event streams, in the browser.</summary>
internal sealed class EventParserTests : PageTest
{
    private const string ParseAll =
        """
        async ([text, borders]) => {
          const { EventParser } = await import("/page/sse.js");
          const parse = (pieces) => {
            const parser = new EventParser();
            return JSON.stringify(pieces.flatMap((piece) => parser.push(piece)));
          };
          const whole = parse([text]);
          const results = new Set([whole, parse([...text])]);
          if (borders) for (let i = 0; i <= text.length; i++) results.add(parse([text.slice(0, i), text.slice(i)]));
          return [...results];
        }
        """;

    [TestCase("data: one\n\ndata: two\n\n", """[{"type":"message","data":"one"},{"type":"message","data":"two"}]""")]
    [TestCase("data: a\r\ndata: b\r\n\r\n", """[{"type":"message","data":"a\nb"}]""")]
    [TestCase("event: ping\rdata:x\r\rdata:  y\r\r", """[{"type":"ping","data":"x"},{"type":"message","data":" y"}]""")]
    [TestCase(": comment\n\nevent: lost\n\ndata\n\n", """[{"type":"message","data":""}]""")]
    [TestCase("id: 1\nretry: 5\nother: z\ndata: 中文 🌍\n\n", """[{"type":"message","data":"中文 🌍"}]""")]
    [TestCase("data: cut off\n", "[]")]
    public async Task Events_are_the_same_however_the_text_is_cut(string text, string expected)
    {
        await OpenAsync();
        // A last carriage return may be half a line end, so only streams without one end their event there.
        string fed = text.EndsWith('\r') ? text + ":\n" : text;
        string[] results = await Page.EvaluateAsync<string[]>(ParseAll, new object[] { fed, true });
        Assert.That(results, Has.Length.EqualTo(1));
        Assert.That(JsonElement.DeepEquals(JsonElement.Parse(results[0]), JsonElement.Parse(expected)), results[0]);
    }
}
