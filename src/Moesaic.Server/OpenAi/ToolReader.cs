using System.Text.Json;
using Moesaic.Engine;
using Moesaic.Models.ChatTemplates;
using Moesaic.Server.Json;

namespace Moesaic.Server.OpenAi;

/// <summary>Reads the tools that a model may call, and whether it may.</summary>
internal static class ToolReader
{
    private const string NoConstraint = "the model cannot be made to call a tool: there is no constrained decoding yet; use 'auto'";

    /// <summary>The tools that the model is told of: none when the request forbids calls.</summary>
    /// <param name="body">The request's fields.</param>
    /// <param name="isFlat">Whether a tool is the function itself, as in the Responses API, instead of holding it.</param>
    /// <exception cref="Errors.ApiException">400.</exception>
    public static IReadOnlyList<ChatTemplateValue> Read(JsonFields body, bool isFlat = false)
    {
        body.Refuse("functions", "functions gave way to tools; use tools");
        body.Refuse("function_call", "functions gave way to tools; use tool_choice");
        ChatTemplateValue[] tools = body.Find("tools") is { } field
            ? [.. field.Items(RequestLimits.MaxTools).Select(item => ReadTool(item, isFlat))]
            : [];
        if (body.Find("tool_choice") is not { } choice)
        {
            return tools;
        }

        if (!choice.IsText)
        {
            throw choice.IsObject ? choice.NotSupported(NoConstraint) : choice.WrongType("a string or an object");
        }

        return choice.OneOf("none", "auto", "required") switch
        {
            "none" => [],
            "required" => throw choice.NotSupported(NoConstraint),
            _ => tools.Length > 0 ? tools : throw choice.Invalid("there are no tools to choose from; give 'tools'"),
        };
    }

    private static ChatTemplateValue ReadTool(JsonField item, bool isFlat)
    {
        JsonFields tool = item.Object();
        JsonField type = tool.Require("type");
        if (type.Text(RequestLimits.MaxName) != "function")
        {
            throw type.NotSupported("only tools of the type 'function' are done here");
        }

        JsonFields function = isFlat ? tool : tool.Require("function").Object();
        function.Refuse("strict", "arguments cannot be held to a schema: there is no constrained decoding yet; leave it out");
        JsonField name = function.Require("name");
        if (name.Text(RequestLimits.MaxName).Length == 0)
        {
            throw name.Invalid("a tool needs a name");
        }

        JsonField? parameters = function.Find("parameters");
        JsonElement? schema = parameters is not { } given ? null : given.IsObject ? given.Json : throw given.WrongType("an object (a JSON schema)");
        try
        {
            return ChatTool.Function(name.Text(), function.Find("description")?.Text(), schema);
        }
        catch (FormatException e)
        {
            throw item.Invalid(e.Message);
        }
    }
}
