using System.Text.Json;

namespace Moesaic.Engine;

/// <summary>A call as the model wrote it.</summary>
/// <param name="Name">The tool.</param>
/// <param name="Arguments">The JSON object as written.</param>
/// <param name="Id">The id as written, or null.</param>
internal readonly record struct WrittenCall(string Name, string Arguments, string? Id);

/// <summary>Reads calls out of JSON that <see cref="JsonScanner"/> has accepted.</summary>
internal static class CallReader
{
    private const int MaxNameLength = 256;
    private static readonly JsonDocumentOptions s_options = new() { MaxDepth = JsonScanner.MaxDepth };

    /// <summary>Members of a call; anything else in bare JSON means that it is an answer and no call.</summary>
    public static ReadOnlySpan<string> Keys => (string[])["name", "arguments", "parameters", "id", "type"];

    /// <summary>Whether a text can be a tool's name.</summary>
    public static bool IsName(ReadOnlySpan<char> name) => name.Length is > 0 and <= MaxNameLength && !name.ContainsAny(" {}\"") && !HasControl(name);

    /// <summary>The calls of an object or an array of objects; null when one is malformed.</summary>
    public static List<WrittenCall>? Read(string json)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json, s_options);
            List<WrittenCall> calls = [];
            if (document.RootElement.ValueKind == JsonValueKind.Array)
            {
                foreach (JsonElement item in document.RootElement.EnumerateArray())
                {
                    if (One(item) is not { } call)
                    {
                        return null;
                    }

                    calls.Add(call);
                }

                return calls.Count == 0 ? null : calls;
            }

            return One(document.RootElement) is { } only ? [only] : null;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or ArgumentException)
        {
            // Half surrogate pairs: JSON by its grammar, but no text.
            return null;
        }
    }

    private static WrittenCall? One(JsonElement element)
    {
        if (element.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        string? name = null, arguments = null, id = null;
        foreach (JsonProperty member in element.EnumerateObject())
        {
            switch (member.Name)
            {
                case "name" when name is null && member.Value.ValueKind == JsonValueKind.String:
                    name = member.Value.GetString();
                    break;
                case "arguments" or "parameters" when arguments is null && ArgumentsOf(member.Value) is { } text:
                    arguments = text;
                    break;
                case "name" or "arguments" or "parameters":
                    return null;
                case "id" when member.Value.ValueKind == JsonValueKind.String:
                    id = member.Value.GetString();
                    break;
            }
        }

        return name is not null && IsName(name) && arguments is not null ? new WrittenCall(name, arguments, id) : null;
    }

    // Some models write the object as a string; a function without parameters may be called with null.
    private static string? ArgumentsOf(JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                return value.GetRawText();
            case JsonValueKind.Null:
                return "{}";
            case JsonValueKind.String:
                using (JsonDocument inner = JsonDocument.Parse(value.GetString()!, s_options))
                {
                    return inner.RootElement.ValueKind == JsonValueKind.Object ? inner.RootElement.GetRawText() : null;
                }

            default:
                return null;
        }
    }

    private static bool HasControl(ReadOnlySpan<char> text)
    {
        foreach (char c in text)
        {
            if (char.IsControl(c))
            {
                return true;
            }
        }

        return false;
    }
}
