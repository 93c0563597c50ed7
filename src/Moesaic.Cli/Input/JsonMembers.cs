using System.Text.Json;

namespace Moesaic.Cli.Input;

/// <summary>Members of a request line, with errors that name them.</summary>
internal static class JsonMembers
{
    /// <exception cref="FormatException">The member is absent or no string.</exception>
    public static string Text(JsonElement element, string name)
    {
        if (!element.TryGetProperty(name, out JsonElement value) || value.ValueKind != JsonValueKind.String)
        {
            throw new FormatException($"'{name}' must be a string");
        }

        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw new FormatException($"'{name}' holds half a surrogate pair, which is not text");
        }
    }

    /// <exception cref="FormatException">The member is neither true nor false.</exception>
    public static bool Flag(JsonElement element, string name, bool whenAbsent) =>
        !element.TryGetProperty(name, out JsonElement value) ? whenAbsent : value.ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => throw new FormatException($"'{name}' must be true or false"),
        };

    /// <exception cref="FormatException">The member is absent or no array of 32-bit integers.</exception>
    public static List<int> Ids(JsonElement element, string name)
    {
        if (!element.TryGetProperty(name, out JsonElement value) || value.ValueKind != JsonValueKind.Array)
        {
            throw new FormatException($"'{name}' must be an array of token ids");
        }

        List<int> ids = new(value.GetArrayLength());
        foreach (JsonElement item in value.EnumerateArray())
        {
            ids.Add(item.ValueKind == JsonValueKind.Number && item.TryGetInt32(out int id) && id >= 0
                ? id
                : throw new FormatException($"'{name}[{ids.Count}]' must be a token id, not {item.GetRawText()}"));
        }

        return ids;
    }
}
