using System.Text.RegularExpressions;

namespace Moesaic.Engine.Tests;

/// <summary>What each family's replies are split into.</summary>
public sealed partial class ReplyFormatTests
{
    private const string V3Call = "<｜tool▁call▁begin｜>function<｜tool▁sep｜>look_up\n```json\n{\"word\": \"a\"}\n```<｜tool▁call▁end｜>";
    private const string V31Call = "<｜tool▁call▁begin｜>look_up<｜tool▁sep｜>{\"word\": \"a\"}<｜tool▁call▁end｜>";

    [TestCase("qwen", "Hello.\n\nWorld ", "[content]Hello.\n\nWorld ")]
    [TestCase("qwen", "<think>\nhm\n</think>\n\nYes.", "[reasoning]hm[content]Yes.")]
    [TestCase("qwen", "<think>\n\n</think>\n\nYes.", "[content]Yes.")]
    [TestCase("qwen", "\n<think>a <tool_call> b", "[reasoning]a <tool_call> b")]
    [TestCase("qwen", "Say <think> and </think>.", "[content]Say <think> and </think>.")]
    [TestCase("qwen", "I look.\n<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": [1, {}]}}\n</tool_call>", "[content]I look.[call 0 f ID]{\"a\": [1, {}]}[end]")]
    [TestCase("ling", "<tool_call>{\"arguments\":{},\"name\":\"f\"}</tool_call>\n<tool_call>{\"name\":\"g\",\"arguments\":null}</tool_call>\nDone.", "[call 0 f ID]{}[end][call 1 g ID]{}[end][content]Done.")]
    [TestCase("hermes", "<tool_call>\n{\"name\": \"f\", \"arguments\": \"{\\\"a\\\": 1}\"}\n</tool_call>", "[call 0 f ID]{\"a\": 1}[end]")]
    [TestCase("hermes", "<tool_call>{\"name\":\"f\",\"arguments\":{\"x\":\"</tool_call>\"}}</tool_call>", "[call 0 f ID]{\"x\":\"</tool_call>\"}[end]")]
    [TestCase("hermes", "<tool_call>{\"name\":\"f\",\"arguments\":{}}", "[call 0 f ID]{}[end]")]
    [TestCase("hermes", "<tool_call>{\"name\":\"f\",\"arguments\":{}}\n</tool_", "[call 0 f ID]{}[end]")]
    [TestCase("llama3", "{\"name\": \"f\", \"parameters\": {\"a\": \"b\"}}", "[call 0 f ID]{\"a\": \"b\"}[end]")]
    [TestCase("llama3", " {\"type\": \"function\", \"name\": \"f\", \"parameters\": {}}", "[call 0 f ID]{}[end]")]
    [TestCase("llama3", "<|python_tag|>{\"name\": \"f\", \"parameters\": {}}; {\"name\": \"g\", \"parameters\": {}}", "[call 0 f ID]{}[end][call 1 g ID]{}[end]")]
    [TestCase("llama3", "{\"name\": \"f\", \"parameters\": {}}\n{\"name\": \"g\", \"parameters\": {}}", "[call 0 f ID]{}[end][call 1 g ID]{}[end]")]
    [TestCase("llama3", "{\"name\": \"f\", \"parameters\": {}}; done", "[call 0 f ID]{}[end][content]; done")]
    [TestCase("llama3", "{\"city\": \"Rome\"}", "[content]{\"city\": \"Rome\"}")]
    [TestCase("llama3", "{\"name\": \"Rome\", \"mayor\": {}}", "[content]{\"name\": \"Rome\", \"mayor\": {}}")]
    [TestCase("llama3", "As JSON: {\"name\": \"f\", \"parameters\": {}}", "[content]As JSON: {\"name\": \"f\", \"parameters\": {}}")]
    [TestCase("llama3", "<|python_tag|>print(1)", "[content]<|python_tag|>print(1)")]
    [TestCase("mistral", "[TOOL_CALLS] [{\"name\": \"f\", \"arguments\": {\"a\": 1}, \"id\": \"aB3dE6gH9\"}]", "[call 0 f aB3dE6gH9]{\"a\": 1}[end]")]
    [TestCase("mistral", "[TOOL_CALLS][{\"name\": \"f\", \"arguments\": {}, \"id\": \"short\"}, {\"name\": \"g\", \"arguments\": {}}]", "[call 0 f ID]{}[end][call 1 g ID]{}[end]")]
    [TestCase("mistral", "[TOOL_CALLS]f[ARGS]{\"a\": 1}[TOOL_CALLS]g[CALL_ID]aB3dE6gH9[ARGS]{}", "[call 0 f ID]{\"a\": 1}[end][call 1 g aB3dE6gH9]{}[end]")]
    [TestCase("mistral", "[THINK]hm[/THINK]So [1]: [TOOL_CALLS]f[ARGS]{}", "[reasoning]hm[content]So [1]:[call 0 f ID]{}[end]")]
    [TestCase("mistral", "<think>hm</think>", "[content]<think>hm</think>")]
    [TestCase("deepseek", "<｜tool▁calls▁begin｜>" + V3Call + "\n" + V3Call + "<｜tool▁calls▁end｜>", "[call 0 look_up ID]{\"word\": \"a\"}[end][call 1 look_up ID]{\"word\": \"a\"}[end]")]
    [TestCase("deepseek", "Look:<｜tool▁calls▁begin｜>" + V31Call + V31Call + "<｜tool▁calls▁end｜>", "[content]Look:[call 0 look_up ID]{\"word\": \"a\"}[end][call 1 look_up ID]{\"word\": \"a\"}[end]")]
    [TestCase("deepseek", "<think>hm</think>" + V3Call, "[reasoning]hm[call 0 look_up ID]{\"word\": \"a\"}[end]")]
    [TestCase("deepseek", "<｜tool▁calls▁end｜>", "[content]<｜tool▁calls▁end｜>")]
    [TestCase("plain", "<think>a</think><tool_call>{\"name\":\"f\",\"arguments\":{}}</tool_call>", "[reasoning]a[content]<tool_call>{\"name\":\"f\",\"arguments\":{}}</tool_call>")]
    public void Splits_a_reply(string format, string text, string expected)
    {
        Assert.That(WithoutIds(Reply.Parse(format, text)), Is.EqualTo(expected));
        Assert.That(WithoutIds(Reply.Parse(format, text, cuts: Enumerable.Range(1, text.Length - 1))), Is.EqualTo(expected), "one character at a time");
    }

    [TestCase("qwen", "<tool_call>")]
    [TestCase("qwen", "<tool_call>{\"name\":\"f\"")]
    [TestCase("qwen", "a <tool_call>\n{\"name\":\"f\"}\n</tool_call> b")]
    [TestCase("qwen", "<tool_call>{\"name\":\"f\",\"arguments\":{}} and more</tool_call>")]
    [TestCase("qwen", "<tool_call>{\"name\":\"f\",\"name\":\"g\",\"arguments\":{}}</tool_call>")]
    [TestCase("qwen", "<tool_call>{\"name\":\"\",\"arguments\":{}}</tool_call>")]
    [TestCase("qwen", "<tool_call>{\"name\":\"f\",\"arguments\":[1]}</tool_call>")]
    [TestCase("qwen", "<tool_call>{\"name\":\"f\",\"arguments\":\"no JSON\"}</tool_call>")]
    [TestCase("qwen", "<tool_call>{'name':'f','arguments':{}}</tool_call>")]
    [TestCase("qwen", "<tool_call>{\"name\":\"f\",\"arguments\":{\"a\":01}}</tool_call>")]
    [TestCase("qwen", "<tool_call>{\"name\":\"f\",\"arguments\":{\"a\":\"\\ud800\",}}</tool_call>")]
    [TestCase("qwen", "<tool_call>{\"name\":\"\\ud800\",\"arguments\":{}}</tool_call>")]
    [TestCase("qwen", "  <tool_cal\n <\n")]
    [TestCase("mistral", "[TOOL_CALLS]")]
    [TestCase("mistral", "[TOOL_CALLS][]")]
    [TestCase("mistral", "[TOOL_CALLS][{\"name\":\"f\",\"arguments\":{}}, 1]")]
    [TestCase("mistral", "[TOOL_CALLS] I will call a tool [ARGS]{}")]
    [TestCase("mistral", "[TOOL_CALLS]f[ARGS][1]")]
    [TestCase("deepseek", "<｜tool▁calls▁begin｜>nothing<｜tool▁calls▁end｜>")]
    [TestCase("deepseek", "<｜tool▁call▁begin｜>function<｜tool▁sep｜>f\n```json\n{]\n```<｜tool▁call▁end｜>")]
    [TestCase("llama3", "{\"name\": \"f\", \"parameters\": {}")]
    [TestCase("llama3", "{\"name\": 1, \"parameters\": {}}")]
    public void Malformed_calls_stay_content_to_the_last_character(string format, string text)
    {
        Assert.That(Reply.Parse(format, text), Is.EqualTo("[content]" + text));
        Assert.That(Reply.Parse(format, text, cuts: Enumerable.Range(1, text.Length - 1)), Is.EqualTo("[content]" + text));
    }

    [Test]
    public void A_call_after_a_malformed_one_is_found()
    {
        const string good = "<tool_call>{\"name\":\"f\",\"arguments\":{}}</tool_call>";
        Assert.That(WithoutIds(Reply.Parse("qwen", "<tool_call>{\"a\": " + good)), Is.EqualTo("[content]<tool_call>{\"a\":[call 0 f ID]{}[end]"));
        Assert.That(WithoutIds(Reply.Parse("qwen", "<tool_call>\n" + good)), Is.EqualTo("[content]<tool_call>[call 0 f ID]{}[end]"));
        Assert.That(WithoutIds(Reply.Parse("qwen", "<tool_<tool_call" + good)), Is.EqualTo("[content]<tool_<tool_call[call 0 f ID]{}[end]"));
    }

    [Test]
    public void A_template_may_have_opened_the_thinking()
    {
        ReplyParserOptions opened = new() { Tools = true, PromptTail = "<|im_start|>assistant\n<think>\n" };
        Assert.That(Reply.Parse("qwen", "hm\n</think>\nYes", opened), Is.EqualTo("[reasoning]hm[content]Yes"));
        Assert.That(Reply.Parse("qwen", "hm", opened), Is.EqualTo("[reasoning]hm"));
        Assert.That(Reply.Parse("qwen", "hm", opened with { PromptTail = "What is <think>?<|im_end|>\n<|im_start|>assistant\n" }), Is.EqualTo("[content]hm"));
        Assert.That(Reply.Parse("qwen", "hm", opened with { PromptTail = "assistant\n<think>\n\n</think>\n\n" }), Is.EqualTo("[content]hm"));
        Assert.That(Reply.Parse("qwen", "hm</think>a", opened with { Reasoning = false }), Is.EqualTo("[content]hm</think>a"));
    }

    [Test]
    public void A_continued_reply_knows_how_it_began()
    {
        ReplyParserOptions continued = new() { Tools = true, Continues = true, PromptTail = "<think>I wonder" };
        Assert.That(Reply.Parse("qwen", " why</think>Yes", continued), Is.EqualTo("[reasoning]why[content]Yes"));
        Assert.That(Reply.Parse("qwen", " <think>", continued with { PromptTail = "Begun" }), Is.EqualTo("[content] <think>"));
        Assert.That(Reply.Parse("llama3", "{\"name\":\"f\",\"parameters\":{}}", continued with { PromptTail = "As JSON: " }), Is.EqualTo("[content]{\"name\":\"f\",\"parameters\":{}}"));
    }

    [Test]
    public void Without_tools_or_reasoning_their_markers_are_text()
    {
        const string text = "<think>a</think><tool_call>{\"name\":\"f\",\"arguments\":{}}</tool_call>";
        Assert.That(Reply.Parse("qwen", text, new ReplyParserOptions()), Is.EqualTo("[reasoning]a[content]<tool_call>{\"name\":\"f\",\"arguments\":{}}</tool_call>"));
        Assert.That(Reply.Parse("qwen", text, new ReplyParserOptions { Reasoning = false }), Is.EqualTo("[content]" + text));
    }

    [Test]
    public void Ids_have_the_familys_form_and_are_different()
    {
        string mistral = Reply.Parse("mistral", "[TOOL_CALLS]" + "[" + string.Join(',', Enumerable.Repeat("{\"name\":\"f\",\"arguments\":{},\"id\":\"aB3dE6gH9\"}", 3)) + "]");
        string[] ids = [.. Regex.Matches(mistral, "\\[call \\d f (\\w+)\\]").Select(match => match.Groups[1].Value)];
        Assert.That(ids, Has.Length.EqualTo(3).And.Unique);
        Assert.That(ids, Has.All.Matches<string>(id => Regex.IsMatch(id, "^[A-Za-z0-9]{9}$")));
        Assert.That(ids, Has.Member("aB3dE6gH9"));
        Assert.That(Reply.Parse("qwen", "<tool_call>{\"name\":\"f\",\"arguments\":{}}</tool_call>"), Does.Match("call_[A-Za-z0-9]{24}"));
    }

    [Test]
    public void Content_is_not_held_back_longer_than_it_may_be_a_marker()
    {
        ReplyParser parser = ReplyFormat.ByName("qwen").CreateParser(new ReplyParserOptions { Tools = true });
        List<ReplyPart> parts = [];
        parser.Push("Hello <", parts);
        Assert.That(Reply.Describe(parts), Is.EqualTo("[content]Hello"));
        parser.Push("b> a", parts);
        Assert.That(Reply.Describe(parts), Is.EqualTo("[content]Hello <b> a"));
    }

    [Test]
    public void Unknown_names_are_refused_with_the_known_ones() =>
        Assert.That(() => ReplyFormat.ByName("nothing"), Throws.ArgumentException.With.Message.Contains("deepseek, hermes, ling, llama3, mistral, plain, qwen"));

    private static string WithoutIds(string parts) => GeneratedId().Replace(parts, " ID]");

    [GeneratedRegex(" (call_[A-Za-z0-9]{24}|(?!aB3dE6gH9)[A-Za-z0-9]{9})\\]")]
    private static partial Regex GeneratedId();
}
