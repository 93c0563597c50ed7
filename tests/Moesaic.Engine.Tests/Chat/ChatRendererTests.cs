using System.Text.Json;
using Moesaic.Models.ChatTemplates;
using Moesaic.Models.Tokenizers;
using Moesaic.TestSupport;

namespace Moesaic.Engine.Tests;

/// <summary>Published templates get calls in the form that they show, and replies in the shown form are read back as the same calls.</summary>
public sealed class ChatRendererTests
{
    private const string Arguments = "{\"word\": \"river\", \"count\": 2}";
    private static readonly SpecialTokens s_special = new() { Bos = "<s>", Eos = "</s>" };
    private static readonly ChatTurn s_question = new("user", "Define river");
    private static readonly ChatTurn s_call = new("assistant", null) { ToolCalls = [new ChatToolCall("aB3dE6gH9", "look_up", Arguments)] };

    [TestCase("Ling-2.0", "ling", "<role>ASSISTANT</role>")]
    [TestCase("Qwen-Qwen2.5-7B-Instruct", "qwen", "<|im_start|>assistant\n")]
    [TestCase("Qwen-Qwen3-0.6B", "qwen", "<|im_start|>assistant\n")]
    [TestCase("NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use", "qwen", "<|im_start|>assistant\n")]
    [TestCase("meta-llama-Llama-3.1-8B-Instruct", "llama3", "<|start_header_id|>assistant<|end_header_id|>\n\n")]
    [TestCase("meta-llama-Llama-3.2-3B-Instruct", "llama3", "<|start_header_id|>assistant<|end_header_id|>\n\n")]
    [TestCase("mistralai-Mistral-Nemo-Instruct-2407", "mistral", "[/INST]")]
    [TestCase("Mistral-Small-3.2-24B-Instruct-2506", "mistral", "[/INST]")]
    [TestCase("deepseek_v3-tokenizer", "deepseek", "<｜Assistant｜>")]
    [TestCase("deepseek-ai-DeepSeek-V3.1", "deepseek", "<｜Assistant｜><think></think>")]
    [TestCase("deepseek-ai-DeepSeek-R1-Distill-Llama-8B", "deepseek", "<｜Assistant｜>")]
    public void A_rendered_call_is_read_back(string name, string family, string header)
    {
        ChatTemplate template = Template(name);
        string text = new ChatRenderer(template, s_special).Render(new ChatPrompt { Turns = [s_question, s_call], Tools = [Tool()], AddGenerationPrompt = false });
        string reply = text[(text.LastIndexOf(header, StringComparison.Ordinal) + header.Length)..];
        foreach (string end in (string[])["<|role_end|>", "<|im_end|>", "<|eot_id|>", "</s>", "<｜end▁of▁sentence｜>"])
        {
            reply = reply.Replace(end, "", StringComparison.Ordinal);
        }

        ReplyFormatDescription format = ReplyFormats.Of(template.Source, "any");
        Assert.That(format.Name, Is.EqualTo(family));
        ReplyParser parser = ReplyFormat.ByName(format.Name).CreateParser(new ReplyParserOptions { Tools = true });
        List<ReplyPart> parts = [];
        parser.Push(reply, parts);
        parser.Finish(parts);
        Assert.That(parts.Where(part => part.Kind == ReplyPartKind.Content && !string.IsNullOrWhiteSpace(part.Text)), Is.Empty, reply);
        Assert.That(parts.Single(part => part.Kind == ReplyPartKind.ToolCallBegin).ToolName, Is.EqualTo("look_up"), reply);
        string arguments = string.Concat(parts.Where(part => part.Kind == ReplyPartKind.ToolCallArguments).Select(part => part.Text));
        using JsonDocument read = JsonDocument.Parse(arguments), written = JsonDocument.Parse(Arguments);
        Assert.That(JsonElement.DeepEquals(read.RootElement, written.RootElement), arguments);
    }

    [TestCase("Qwen3-Coder", "plain")]
    [TestCase("GLM-4.6", "plain")]
    [TestCase("MiniMax-M2", "plain")]
    [TestCase("google-gemma-2-2b-it", "hermes")]
    public void Other_templates_have_a_format(string name, string format) =>
        Assert.That(ReplyFormats.Of(Template(name).Source, "any").Name, Is.EqualTo(format));

    [TestCase("bailing_moe_v2", "ling")]
    [TestCase("qwen3", "qwen")]
    [TestCase("Mixtral", "mistral")]
    [TestCase("llama", "hermes")]
    public void Without_a_template_the_architecture_decides(string architecture, string format) =>
        Assert.That(ReplyFormats.Of(null, architecture).Name, Is.EqualTo(format));

    [Test]
    public void Thinking_opened_by_a_template_is_noticed()
    {
        ChatPrompt prompt = new() { Turns = [s_question], EnableThinking = true };
        foreach ((string name, string format) in ((string, string)[])[("deepseek-ai-DeepSeek-R1-Distill-Llama-8B", "deepseek"), ("deepseek-ai-DeepSeek-V3.1", "deepseek")])
        {
            string text = new ChatRenderer(Template(name), s_special).Render(prompt);
            List<ReplyPart> parts = [];
            ReplyParser parser = ReplyFormat.ByName(format).CreateParser(prompt, text);
            parser.Push("hm</think>Yes", parts);
            parser.Finish(parts);
            Assert.That(Reply.Describe(parts), Is.EqualTo("[reasoning]hm[content]Yes"), name);
        }
    }

    [Test]
    public void A_template_without_calls_gets_them_as_text()
    {
        ChatRenderer renderer = new(ChatTemplate.Compile("{% for m in messages %}<{{ m.role }}>{{ m.content }}\n{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"), s_special);
        Assert.That(renderer.ShowsTools, Is.False);
        string text = renderer.Render(new ChatPrompt { Turns = [s_question, s_call, new ChatTurn("tool", "water") { ToolCallId = "aB3dE6gH9" }], Tools = [Tool()] });
        Assert.That(text, Is.EqualTo("<user>Define river\n<assistant><tool_call>\n{\"name\": \"look_up\", \"arguments\": " + Arguments + "}\n</tool_call>\n<tool>water\n<assistant>"));
    }

    [Test]
    public void The_last_turn_is_continued_where_it_ends()
    {
        ChatRenderer renderer = new(ChatTemplate.Compile("{% for m in messages %}<{{ m.role }}>{{ m.content }}<end>\n{% endfor %}"), s_special);
        ChatPrompt prompt = new() { Turns = [s_question, new ChatTurn("assistant", "A river is e")], AddGenerationPrompt = false, ContinueFinalMessage = true };
        Assert.That(renderer.Render(prompt), Is.EqualTo("<user>Define river<end>\n<assistant>A river is e"));
        Assert.That(() => renderer.Render(prompt with { AddGenerationPrompt = true }), Throws.ArgumentException);
        Assert.That(() => renderer.Render(prompt with { Turns = [s_call] }), Throws.ArgumentException);
    }

    [Test]
    public void Arguments_that_are_no_object_are_refused_by_name()
    {
        ChatRenderer renderer = new(ChatTemplate.Compile("{% for m in messages %}{% for c in m.tool_calls %}{{ c.function.name }}{{ c.function.arguments | tojson }}{% endfor %}{% endfor %}"), s_special);
        Assert.That(
            () => renderer.Render(new ChatPrompt { Turns = [new ChatTurn("assistant", null) { ToolCalls = [new ChatToolCall("x1", "f", "[1]")] }] }),
            Throws.ArgumentException.With.Message.Contains("'x1' of 'f'"));
    }

    private static ChatTemplateValue Tool()
    {
        using JsonDocument schema = JsonDocument.Parse("""{"type": "object", "properties": {"word": {"type": "string", "description": "A word."}}}""");
        return ChatTool.Function("look_up", "Looks a word up.", schema.RootElement);
    }

    private static ChatTemplate Template(string name) => ChatTemplate.Compile(File.ReadAllText(TestPaths.Shared("chat_templates", name + ".jinja")), name);
}
