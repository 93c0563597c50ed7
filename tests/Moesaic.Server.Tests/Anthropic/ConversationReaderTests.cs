using System.Text;
using Moesaic.Engine;
using Moesaic.Server.Anthropic;
using Moesaic.Server.Errors;
using Moesaic.Server.Json;

namespace Moesaic.Server.Tests.Anthropic;

/// <summary>Messages become the turns that templates want; what cannot be shown to a model is refused by path.</summary>
internal sealed class ConversationReaderTests
{
    private const string Call = """{"type":"tool_use","id":"t1","name":"weather","input":{"city":"Bonn"}}""";

    [Test]
    public void Texts_and_blocks_become_turns()
    {
        IReadOnlyList<ChatTurn> turns = Read(
            """
            {"system":[{"type":"text","text":"Be brief.","cache_control":{"type":"ephemeral"}},{"type":"text","text":"Be kind."}],
             "messages":[{"role":"user","content":"Hi"},
              {"role":"assistant","content":[{"type":"thinking","thinking":"A greeting.","signature":"x"},{"type":"text","text":"Hello"}]},
              {"role":"user","content":[{"type":"text","text":"One"},{"type":"text","text":"Two"}]},
              {"role":"user","content":"Three"}]}
            """);
        Assert.That(turns.Select(t => (t.Role, t.Content, t.Reasoning)), Is.EqualTo(new (string, string?, string?)[]
        {
            ("system", "Be brief.\n\nBe kind.", null), ("user", "Hi", null), ("assistant", "Hello", "A greeting."), ("user", "One\n\nTwo\n\nThree", null),
        }));
    }

    [Test]
    public void Calls_and_results_become_turns_of_their_own()
    {
        IReadOnlyList<ChatTurn> turns = Read(
            $$$"""
            {"messages":[{"role":"user","content":"Weather?"},
              {"role":"assistant","content":[{"type":"text","text":"I look."},{{{Call}}},{"type":"tool_use","id":"t2","name":"time","input":{}}]},
              {"role":"user","content":[
                {"type":"tool_result","tool_use_id":"t2","content":[{"type":"text","text":"noon"}]},
                {"type":"tool_result","tool_use_id":"t1","content":"no such city","is_error":true},
                {"type":"text","text":"So?"}]}]}
            """);
        Assert.That(turns.Select(t => (t.Role, t.Content, t.ToolCallId, t.Name)), Is.EqualTo(new (string, string?, string?, string?)[]
        {
            ("user", "Weather?", null, null), ("assistant", "I look.", null, null), ("tool", "noon", "t2", "time"),
            ("tool", "Error: no such city", "t1", "weather"), ("user", "So?", null, null),
        }));
        Assert.That(turns[1].ToolCalls, Is.EqualTo(new[] { new ChatToolCall("t1", "weather", """{"city":"Bonn"}"""), new ChatToolCall("t2", "time", "{}") }));
    }

    [Test]
    public void Results_alone_add_no_empty_turn()
    {
        IReadOnlyList<ChatTurn> turns = Read(
            $$$"""{"messages":[{"role":"user","content":"?"},{"role":"assistant","content":[{{{Call}}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1"}]}]}""");
        Assert.That(turns.Select(t => (t.Role, t.Content)), Is.EqualTo(new (string, string?)[] { ("user", "?"), ("assistant", null), ("tool", "") }));
    }

    [TestCase("""{"messages":[]}""", "messages", "invalid_value")]
    [TestCase("""{}""", "messages", "missing_value")]
    [TestCase("""{"messages":[{"role":"system","content":"x"}]}""", "messages[0].role", "invalid_value")]
    [TestCase("""{"messages":[{"role":"user"}]}""", "messages[0].content", "missing_value")]
    [TestCase("""{"messages":[{"role":"user","content":7}]}""", "messages[0].content", "invalid_value")]
    [TestCase("""{"messages":[{"role":"user","content":[{"type":"image","source":{}}]}]}""", "messages[0].content[0].type", "not_supported")]
    [TestCase("""{"messages":[{"role":"user","content":[{"type":"document","source":{}}]}]}""", "messages[0].content[0].type", "not_supported")]
    [TestCase("""{"messages":[{"role":"user","content":[{"type":"thinking","thinking":"x"}]}]}""", "messages[0].content[0].type", "invalid_value")]
    [TestCase("""{"messages":[{"role":"assistant","content":[{"type":"redacted_thinking","data":"x"}]}]}""", "messages[0].content[0].type", "not_supported")]
    [TestCase("""{"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"b","input":"{}"}]}]}""", "messages[0].content[0].input", "invalid_value")]
    [TestCase("""{"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"lost","content":"x"}]}]}""", "messages[0].content[0].tool_use_id", "invalid_value")]
    [TestCase("""{"system":[{"type":"image"}],"messages":[{"role":"user","content":"x"}]}""", "system[0].type", "not_supported")]
    [TestCase("""{"system":{},"messages":[{"role":"user","content":"x"}]}""", "system", "invalid_value")]
    public void What_cannot_be_shown_is_refused_by_path(string body, string param, string code) => AssertRefused(body, param, code);

    [Test]
    public void Calls_and_results_belong_together()
    {
        string begin = $$$"""{"messages":[{"role":"user","content":"?"},{"role":"assistant","content":[{{{Call}}}]}""";
        const string result = """{"type":"tool_result","tool_use_id":"t1","content":"x"}""";
        AssertRefused(begin + "]}", "messages", "invalid_value");
        AssertRefused(begin + """,{"role":"user","content":"Never mind"}]}""", "messages[2].content", "invalid_value");
        AssertRefused(begin + $$$""",{"role":"user","content":[{"type":"text","text":"x"},{{{result}}}]}]}""", "messages[2].content[0]", "invalid_value");
        AssertRefused(begin + $$$""",{"role":"user","content":[{{{result}}},{{{result}}}]}]}""", "messages[2].content[1].tool_use_id", "invalid_value");
        AssertRefused(
            begin + """,{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":[{"type":"image"}]}]}]}""",
            "messages[2].content[0].content[0].type", "not_supported");
    }

    private static void AssertRefused(string body, string param, string code)
    {
        ApiException error = Assert.Throws<ApiException>(() => Read(body))!;
        Assert.That((error.Status, error.Param, error.Code), Is.EqualTo((400, param, code)), error.Message);
    }

    private static IReadOnlyList<ChatTurn> Read(string body)
    {
        using JsonRequest request = JsonRequest.Parse(Encoding.UTF8.GetBytes(body));
        return ConversationReader.Read(request.Root);
    }
}
