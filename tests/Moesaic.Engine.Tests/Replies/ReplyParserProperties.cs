using System.Text;
using FsCheck;
using FsCheck.Fluent;

namespace Moesaic.Engine.Tests;

/// <summary>Streaming equals whole at any borders, for replies made of markers, half markers and broken calls; time is linear.</summary>
public sealed class ReplyParserProperties
{
    private static readonly string[] s_pieces =
    [
        "<think>", "</think>", "[THINK]", "[/THINK]", "<tool_call>", "</tool_call>", "[TOOL_CALLS]", "[ARGS]", "[CALL_ID]", "<|python_tag|>",
        "<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>", "<｜tool▁call▁begin｜>", "<｜tool▁call▁end｜>", "<｜tool▁sep｜>", "function", "\n```json\n", "\n```",
        "{\"name\": \"f\", \"arguments\": {\"a\": [1, -2.5e3, true, null, \"x\\n\\u00e9\"]}}", "{\"name\": \"g\", \"parameters\": {}}", "{\"city\": 1}",
        "{\"a\": 1}", "[{\"name\": \"f\", \"arguments\": {}}]", "f", "aB3dE6gH9", ";", " ", "\n", "text", "{", "}", "[", "]", "\"", "\\", ",", ":", "<", "<to", "[TOOL", "é😀", "1",
    ];

    private static readonly string[] s_formats = ["deepseek", "hermes", "ling", "llama3", "mistral", "plain", "qwen"];

    [TestCaseSource(nameof(s_formats))]
    public void Streaming_equals_whole(string format)
    {
        Gen<string> piece = Gen.Frequency((6, Gen.Elements(s_pieces)), (1, from text in Gen.Elements(s_pieces) from length in Gen.Choose(1, 8) select text[..Math.Min(length, text.Length)]));
        Gen<(string, int, bool, bool)> replies =
            from pieces in piece.ArrayOf()
            from seed in Gen.Choose(0, int.MaxValue - 1)
            from tools in Gen.Elements(true, false)
            from thinking in Gen.Elements(true, false)
            select (string.Concat(pieces), seed, tools, thinking);
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(400).WithEndSize(40).WithReplay(new Replay(new Rnd(20261122, 7), null)), Prop.ForAll(Arb.From(replies), reply =>
        {
            (string text, int seed, bool tools, bool thinking) = reply;
            ReplyParserOptions options = new() { Tools = tools, PromptTail = thinking ? "<think>\n" : "" };
            string whole = Reply.Parse(format, text, options);
            string single = Reply.Parse(format, text, options, Enumerable.Range(1, Math.Max(text.Length - 1, 0)));
            Random random = new(seed);
            string cut = Reply.Parse(format, text, options, Enumerable.Range(1, Math.Max(text.Length - 1, 0)).Where(_ => random.Next(4) == 0));
            return whole == single && whole == cut && (tools || NothingIsLost(text, whole));
        }));
    }

    [TestCase("deepseek")]
    [TestCase("llama3")]
    [TestCase("mistral")]
    [TestCase("qwen")]
    public void Hostile_replies_take_time_in_proportion_to_their_length(string format)
    {
        string[] openings = ["", "<tool_call>{\"name\": \"", "[TOOL_CALLS]f[ARGS]{\"a\": \"", "<｜tool▁call▁begin｜>f<｜tool▁sep｜>{\"a\": \"", "{\"name\": \""];
        string[] units = ["a", "<", " ", "\n ", "<tool_call>", "[TOOL_CALLS]", "<tool_call>{\"a\":\"", "{\"name\": {", "<｜tool▁call▁begin｜>", "<tool_call>" + new string('[', 200)];
        foreach (string unit in units.Concat(openings.Select(opening => opening + new string('a', 300_000))))
        {
            string text = string.Concat(Enumerable.Repeat(unit, (300_000 / unit.Length) + 1));
            TimeSpan start = Environment.CpuUsage.TotalTime;
            Reply.Parse(format, text, cuts: Enumerable.Range(1, (text.Length - 1) / 3).Select(i => i * 3));

            // Far below a second; quadratic work over 300,000 characters takes many.
            Assert.That((Environment.CpuUsage.TotalTime - start).TotalSeconds, Is.LessThan(3), unit[..Math.Min(unit.Length, 40)]);
        }
    }

    [Test]
    public void Huge_arguments_are_one_call()
    {
        string value = string.Concat(Enumerable.Repeat("a\\\"</tool_call>{", 50_000));
        string text = $"<tool_call>{{\"name\": \"f\", \"arguments\": {{\"a\": \"{value}\"}}}}</tool_call>";
        string parsed = Reply.Parse("qwen", text, cuts: Enumerable.Range(1, (text.Length - 1) / 5).Select(i => i * 5));
        Assert.That(parsed, Does.StartWith("[call 0 f call_").And.EndsWith("</tool_call>{\"}[end]"));
        Assert.That(parsed, Has.Length.GreaterThan(value.Length));
    }

    [Test]
    public void Deeply_nested_arguments_stay_content()
    {
        string text = "<tool_call>{\"name\":\"f\",\"arguments\":" + string.Concat(Enumerable.Repeat("{\"a\":", 100_000)) + "1" + new string('}', 100_001) + "</tool_call>";
        Assert.That(Reply.Parse("qwen", text), Is.EqualTo("[content]" + text));
    }

    // Without tools, only white space and the markers of thinking go.
    private static bool NothingIsLost(string text, string parsed)
    {
        static string Bare(string s)
        {
            StringBuilder result = new(s.Replace("[content]", "", StringComparison.Ordinal).Replace("[reasoning]", "", StringComparison.Ordinal));
            foreach (string marker in (string[])["<think>", "</think>", "[THINK]", "[/THINK]", "\n", " "])
            {
                result.Replace(marker, "");
            }

            return result.ToString();
        }

        return Bare(text) == Bare(parsed);
    }
}
