using System.Text.Json;
using Moesaic.Models.ChatTemplates;
using Moesaic.TestSupport;

namespace Moesaic.Models.Tests.ChatTemplates;

/// <summary>Published templates against the renderings of the reference implementation.</summary>
public sealed class ReferenceRenderingTests
{
    private static IEnumerable<string> Templates() => TestPaths.HasShared
        ? Directory.EnumerateFiles(TestPaths.Shared("chat_templates"), "*.jinja").Select(f => Path.GetFileNameWithoutExtension(f)).Order()
        : [""];

    [TestCaseSource(nameof(Templates))]
    public void Every_conversation_renders_identically(string name)
    {
        string folder = TestPaths.Shared("chat_templates");
        ChatTemplate template = ChatTemplate.Compile(File.ReadAllText(Path.Combine(folder, name + ".jinja")), name);
        using JsonDocument conversations = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "conversations.json")));
        using JsonDocument expected = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, name + ".json")));
        Assert.Multiple(() =>
        {
            foreach (JsonProperty conversation in conversations.RootElement.EnumerateObject())
            {
                ChatTemplateInputs inputs = ChatTemplateInputs.FromJson(conversation.Value, TemplateTesting.Noon) with
                {
                    BosToken = "<s>",
                    EosToken = "</s>",
                    UnkToken = "<unk>",
                    PadToken = "<pad>",
                };
                Check(template, conversation.Name, inputs, expected.RootElement.GetProperty(conversation.Name));
            }
        });
    }

    private static void Check(ChatTemplate template, string conversation, ChatTemplateInputs inputs, JsonElement expected)
    {
        string? text = null;
        string? error = null;
        try
        {
            text = template.Render(inputs);
        }
        catch (ChatTemplateException exception)
        {
            error = $"{exception.ErrorName}: {exception.Detail}";
        }

        if (expected.TryGetProperty("text", out JsonElement expectedText))
        {
            Assert.That(text ?? error, Is.EqualTo(expectedText.GetString()), conversation);
        }
        else if (conversation == "parts" && text is not null)
        {
            // The reference fails on joining a list to a string; here the texts of the parts are joined.
            Assert.That(text, Does.Contain("part one part two"), conversation);
        }
        else
        {
            Assert.That(error ?? text, Is.EqualTo(expected.GetProperty("error").GetString()), conversation);
        }
    }
}
