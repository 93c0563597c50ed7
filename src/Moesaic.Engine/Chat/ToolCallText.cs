using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Moesaic.Engine;

/// <summary>Earlier calls as text, in the form most models know, for templates that show no calls.</summary>
internal static class ToolCallText
{
    public static string Write(IReadOnlyList<ChatToolCall> calls, string? content)
    {
        StringBuilder text = new();
        foreach (ChatToolCall call in calls)
        {
            text.Append(text.Length > 0 || !string.IsNullOrEmpty(content) ? "\n" : "")
                .Append("<tool_call>\n{\"name\": \"").Append(JsonEncodedText.Encode(call.Name, JavaScriptEncoder.UnsafeRelaxedJsonEscaping))
                .Append("\", \"arguments\": ").Append(call.Arguments.Length == 0 ? "{}" : call.Arguments)
                .Append("}\n</tool_call>");
        }

        return text.ToString();
    }
}
