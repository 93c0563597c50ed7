using System.Text.Json;
using Moesaic.Models.ChatTemplates;

namespace Moesaic.Models.Tests.ChatTemplates;

/// <summary>Short ways to render a template in a test.</summary>
internal static class TemplateTesting
{
    public static readonly DateTime Noon = new(2026, 11, 22, 12, 0, 0);

    public static string Render(string template, string variables = "{}", ChatTemplateLimits? limits = null) =>
        ChatTemplate.Compile(template, "test").Render(Inputs(variables), limits);

    public static ChatTemplateException Fail(string template, string variables = "{}", ChatTemplateLimits? limits = null) =>
        Assert.Throws<ChatTemplateException>(() => Render(template, variables, limits))!;

    public static ChatTemplateInputs Inputs(string variables)
    {
        using JsonDocument document = JsonDocument.Parse(variables);
        return Inputs(document.RootElement);
    }

    /// <summary>Inputs of an object that may lack messages.</summary>
    public static ChatTemplateInputs Inputs(JsonElement variables)
    {
        if (variables.TryGetProperty("messages", out _))
        {
            return ChatTemplateInputs.FromJson(variables, Noon);
        }

        return new ChatTemplateInputs
        {
            Now = Noon,
            Extra = variables.EnumerateObject().ToDictionary(p => p.Name, p => ChatTemplateValue.FromJson(p.Value)),
        };
    }
}
