using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using Moesaic.Server;

namespace Moesaic.Browser.Tests;

/// <summary>The page against the service host itself, with the embedded model.</summary>
internal sealed partial class RealHostTests : PageTest
{
    private const string Secret = "s3cret";

    protected override bool AllowsFailedRequests => true;

    [Test]
    public async Task A_conversation_with_the_embedded_model()
    {
        await using ServiceHost host = await ServiceHost.StartAsync(new ServerOptions { Port = 0, ApiKeys = [new ApiKey("alice", Secret)] });
        await host.Ready;
        await Page.GotoAsync(host.Address.ToString());
        await Page.GetByLabel("Key", new() { Exact = true }).FillAsync(Secret);
        await Page.Keyboard.PressAsync("Enter");
        await Expect(Send).ToBeEnabledAsync();
        await Page.GetByLabel("Temperature").FillAsync("0");
        await Page.GetByLabel("Max tokens").FillAsync("24");
        await AskAsync("define river");
        await Expect(Page.GetByRole(AriaRole.Status)).ToContainTextAsync("Answer complete.");
        Assert.That(await AnswerText.TextContentAsync(), Is.EqualTo(await AskDirectlyAsync(host, await Page.GetByLabel("Model").InputValueAsync())).And.Not.Empty);
        await Expect(Answers.Last.Locator(".meter")).ToHaveTextAsync(Meter());
        await Expect(Page.Locator("#usage")).ToHaveTextAsync(Usage());

        // A value that only the host can judge: its refusal reaches the reader.
        await AskAsync(string.Concat(Enumerable.Repeat("river ", 20_000)));
        await Expect(Answers.Last.GetByRole(AriaRole.Alert)).ToContainTextAsync("code context_length_exceeded");
    }

    private static async Task<string?> AskDirectlyAsync(ServiceHost host, string model)
    {
        using HttpClient client = new() { BaseAddress = host.Address };
        client.DefaultRequestHeaders.Authorization = new("Bearer", Secret);
        string body = $$"""{"model":{{JsonSerializer.Serialize(model)}},"messages":[{"role":"user","content":"define river"}],"temperature":0,"max_completion_tokens":24}""";
        using StringContent content = new(body, Encoding.UTF8, "application/json");
        using HttpResponseMessage response = await client.PostAsync("v1/chat/completions", content);
        return JsonElement.Parse(await response.Content.ReadAsStringAsync()).GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString();
    }

    [GeneratedRegex(@"^\d+ prompt tokens( \(\d+ from cache\))? · \d+ tokens · first after [\d.]+ m?s · [\d.]+ tokens/s$")]
    private static partial Regex Meter();

    [GeneratedRegex(@"^\d+ (of \d+ )?tokens of context used$")]
    private static partial Regex Usage();
}
