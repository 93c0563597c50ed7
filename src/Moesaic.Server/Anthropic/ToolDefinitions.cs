using Moesaic.Engine;
using Moesaic.Models.ChatTemplates;
using Moesaic.Server.Json;
using Moesaic.Server.OpenAi;

namespace Moesaic.Server.Anthropic;

/// <summary>Reads the tools that a request offers and whether the model may use them.</summary>
internal static class ToolDefinitions
{
    /// <param name="body">The request's fields.</param>
    /// <param name="oneToolCall">Whether calls after the first are unwanted.</param>
    /// <exception cref="Errors.ApiException">400: a tool is malformed, or a call shall be forced.</exception>
    public static IReadOnlyList<ChatTemplateValue> Read(JsonFields body, out bool oneToolCall)
    {
        ChatTemplateValue[] tools = body.Find("tools") is { } field ? [.. field.Items(RequestLimits.MaxTools).Select(ReadTool)] : [];
        oneToolCall = false;
        if (body.Find("tool_choice") is not { } choiceField)
        {
            return tools;
        }

        JsonFields choice = choiceField.Object();
        oneToolCall = choice.Find("disable_parallel_tool_use")?.Flag() ?? false;
        JsonField type = choice.Require("type");
        switch (type.OneOf("auto", "none", "any", "tool"))
        {
            case "none":
                return [];
            case "auto":
                return tools.Length > 0 ? tools : throw choiceField.Invalid("there are no tools to choose from; give 'tools'");
            default:
                choice.Ignore("name");
                throw type.NotSupported("a call cannot be forced: there is no constrained decoding yet; use 'auto' or 'none'");
        }
    }

    private static ChatTemplateValue ReadTool(JsonField item)
    {
        JsonFields tool = item.Object();
        if (tool.Find("type") is { } type && type.Text(RequestLimits.MaxName) != "custom")
        {
            throw type.NotSupported("only tools of the type 'custom' are done here: the host runs none itself");
        }

        tool.Refuse("strict", "arguments cannot be held to a schema: there is no constrained decoding yet; leave it out");
        tool.Ignore("cache_control");
        JsonField name = tool.Require("name");
        if (name.Text(RequestLimits.MaxName).Length == 0)
        {
            throw name.Invalid("a tool needs a name");
        }

        JsonField schema = tool.Require("input_schema");
        if (!schema.IsObject)
        {
            throw schema.WrongType("an object (a JSON schema)");
        }

        try
        {
            return ChatTool.Function(name.Text(), tool.Find("description")?.Text(), schema.Json);
        }
        catch (FormatException e)
        {
            throw item.Invalid(e.Message);
        }
    }
}
