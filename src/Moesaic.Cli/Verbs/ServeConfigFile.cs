using System.Text.Json;
using Moesaic.Cli.Input;

namespace Moesaic.Cli.Verbs;

/// <summary>The configuration file: one JSON object whose keys are the long options, with dashes or underscores.</summary>
internal static class ServeConfigFile
{
    /// <param name="file">Its path.</param>
    /// <param name="names">Every key that it may have, and whether it takes several values.</param>
    /// <exception cref="UsageException">It cannot be read, is no such object, or has a key that nobody knows.</exception>
    public static IEnumerable<(string Name, IReadOnlyList<ServeSetting> Values)> Read(ServeSetting file, IReadOnlyDictionary<string, bool> names)
    {
        using JsonDocument document = Parse(file);
        if (document.RootElement.ValueKind != JsonValueKind.Object)
        {
            throw new UsageException($"{file.Origin} {file.Value}: expected one JSON object");
        }

        List<(string, IReadOnlyList<ServeSetting>)> settings = [];
        HashSet<string> seen = [];
        foreach (JsonProperty property in document.RootElement.EnumerateObject())
        {
            string name = property.Name.Replace('_', '-');
            string origin = $"{file.Value}: '{property.Name}'";
            if (!names.TryGetValue(name, out bool isList))
            {
                throw new UsageException($"{origin} is no setting; see moesaic serve --help");
            }

            if (!seen.Add(name))
            {
                throw new UsageException($"{origin} is there twice");
            }

            settings.Add((name, isList && property.Value.ValueKind == JsonValueKind.Array
                ? [.. property.Value.EnumerateArray().Select(v => Scalar(v, origin))]
                : [Scalar(property.Value, origin)]));
        }

        return settings;
    }

    private static JsonDocument Parse(ServeSetting file)
    {
        try
        {
            return JsonDocument.Parse(
                Utf8Text.File(file.Origin, file.Value), new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
        }
        catch (JsonException exception)
        {
            throw new UsageException($"{file.Origin} {file.Value}: not JSON: {exception.Message}");
        }
    }

    private static ServeSetting Scalar(JsonElement value, string origin)
    {
        try
        {
            return value.ValueKind switch
            {
                JsonValueKind.String => new ServeSetting(value.GetString()!, origin),
                JsonValueKind.Number => new ServeSetting(value.GetRawText(), origin),
                JsonValueKind.True => new ServeSetting("on", origin),
                JsonValueKind.False => new ServeSetting("off", origin),
                _ => throw new UsageException($"{origin}: expected a text, a number, true or false"),
            };
        }
        catch (InvalidOperationException)
        {
            throw new UsageException($"{origin}: it holds half a surrogate pair, which is not text");
        }
    }
}
