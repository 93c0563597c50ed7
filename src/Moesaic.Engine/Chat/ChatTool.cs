using System.Text.Json;
using Moesaic.Models.ChatTemplates;

namespace Moesaic.Engine;

/// <summary>Makes the value by which chat templates know a tool.</summary>
public static class ChatTool
{
    /// <summary>A function in the shape of OpenAI's API, which templates of all families take.</summary>
    /// <param name="name">The function's name.</param>
    /// <param name="description">What it does, or null.</param>
    /// <param name="parameters">The JSON schema of its parameters, or null when it takes none.</param>
    /// <exception cref="FormatException">The schema holds text that is no Unicode, or nests too deep.</exception>
    public static ChatTemplateValue Function(string name, string? description, JsonElement? parameters)
    {
        ArgumentNullException.ThrowIfNull(name);
        List<KeyValuePair<string, ChatTemplateValue>> function = [new("name", ChatTemplateValue.From(name))];
        if (description is not null)
        {
            function.Add(new("description", ChatTemplateValue.From(description)));
        }

        function.Add(new("parameters", parameters is { } schema ? ChatTemplateValue.FromJson(schema) : NoParameters()));
        return ChatTemplateValue.From(
        [
            KeyValuePair.Create("type", ChatTemplateValue.From("function")),
            KeyValuePair.Create("function", ChatTemplateValue.From(function)),
        ]);
    }

    // Templates iterate over the properties of every tool.
    private static ChatTemplateValue NoParameters() => ChatTemplateValue.From(
    [
        KeyValuePair.Create("type", ChatTemplateValue.From("object")),
        KeyValuePair.Create("properties", ChatTemplateValue.From(Array.Empty<KeyValuePair<string, ChatTemplateValue>>())),
    ]);
}
