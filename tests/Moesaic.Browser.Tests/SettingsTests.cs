using System.Text.Json;
using Microsoft.Playwright;

namespace Moesaic.Browser.Tests;

/// <summary>Model picker and sampling settings: what is set reaches the host, what is empty does not.</summary>
internal sealed class SettingsTests : PageTest
{
    [Test]
    public async Task Nothing_set_sends_nothing_but_the_question()
    {
        await OpenAsync();
        await AskAsync("Hi", "Hello");
        Assert.That(
            Host.Requests.Single().GetRawText(),
            Is.EqualTo("""{"model":"tiny","messages":[{"role":"user","content":"Hi"}],"stream":true,"stream_options":{"include_usage":true,"continuous_usage_stats":true}}"""));
    }

    [Test]
    public async Task Every_setting_reaches_the_host()
    {
        await OpenAsync();
        await Page.GetByLabel("System prompt").FillAsync("Be brief.");
        await Page.GetByLabel("Temperature").FillAsync("0.25");
        await Page.GetByLabel("Top-p").FillAsync("0.9");
        await Page.GetByLabel("Top-k").FillAsync("40");
        await Page.GetByLabel("Min-p").FillAsync("0.05");
        await Page.GetByLabel("Max tokens").FillAsync("64");
        await Page.GetByLabel("Seed").FillAsync("0");
        await Page.GetByLabel("Model").SelectOptionAsync("other");
        await AskAsync("Hi", "Hello");
        JsonElement request = Host.Requests.Single();
        Assert.That(request.GetProperty("model").GetString(), Is.EqualTo("other"));
        Assert.That(request.GetProperty("messages")[0].GetRawText(), Is.EqualTo("""{"role":"system","content":"Be brief."}"""));
        Assert.That(request.GetProperty("temperature").GetDouble(), Is.EqualTo(0.25));
        Assert.That(request.GetProperty("top_p").GetDouble(), Is.EqualTo(0.9));
        Assert.That(request.GetProperty("top_k").GetInt32(), Is.EqualTo(40));
        Assert.That(request.GetProperty("min_p").GetDouble(), Is.EqualTo(0.05));
        Assert.That(request.GetProperty("max_completion_tokens").GetInt32(), Is.EqualTo(64));
        Assert.That(request.GetProperty("seed").GetInt32(), Is.Zero);
    }

    [Test]
    public async Task A_value_out_of_range_is_not_sent()
    {
        await OpenAsync();
        await Page.GetByLabel("Top-p").FillAsync("1.5");
        await AskAsync("Hi");
        await Expect(Page.GetByLabel("Top-p")).ToBeFocusedAsync();
        await Expect(Prompt).ToHaveValueAsync("Hi");
        Assert.That(Host.Requests, Is.Empty);
    }

    [Test]
    public async Task Settings_outlive_a_reload_of_the_tab_and_reset_at_a_click()
    {
        await OpenAsync();
        await Page.GetByLabel("Temperature").FillAsync("0.5");
        await Page.ReloadAsync();
        await Expect(Page.GetByLabel("Temperature")).ToHaveValueAsync("0.5");
        await Page.GetByRole(AriaRole.Button, new() { Name = "Reset" }).ClickAsync();
        await Page.ReloadAsync();
        await Expect(Page.GetByLabel("Temperature")).ToHaveValueAsync("");
    }

    [Test]
    public async Task A_host_without_models_says_so()
    {
        Host.Models = """{"object":"list","data":[]}""";
        await Page.GotoAsync(Host.Address);
        await Expect(Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("The host has no model.");
        await Expect(Send).ToBeDisabledAsync();
        Host.Models = """{"object":"list","data":[{"id":"late"}]}""";
        await Page.GetByRole(AriaRole.Button, new() { Name = "Try again" }).ClickAsync();
        await Expect(Send).ToBeEnabledAsync();
        await Expect(Page.GetByLabel("Model")).ToHaveValueAsync("late");
    }
}
