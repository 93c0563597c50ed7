using System.Text.Json;
using System.Text.Unicode;

namespace Moesaic.Server.Json;

/// <summary>
/// The body of a request: one JSON object in UTF-8, of bounded depth and size, without a field twice and without half a
/// surrogate pair. Nothing that is taken out of it afterwards can fail for such a reason.
/// </summary>
internal sealed class JsonRequest : IDisposable
{
    private readonly JsonDocument _document;

    private JsonRequest(JsonDocument document, JsonLimits limits)
    {
        _document = document;
        Limits = limits;
        Root = new JsonField(document.RootElement, "", this).Object();
    }

    /// <summary>The fields of the body.</summary>
    public JsonFields Root { get; }

    internal JsonLimits Limits { get; }

    /// <summary>Paths of fields that nobody asked for, at most <paramref name="most"/>; safe to log.</summary>
    public IReadOnlyList<string> UnknownFields(int most = 16)
    {
        List<string> unknown = [];
        Root.CollectUnknown(unknown, most);
        return unknown;
    }

    /// <exception cref="Errors.ApiException">400: the body is no such object; the message says where it is wrong.</exception>
    public static JsonRequest Parse(ReadOnlyMemory<byte> body, JsonLimits? limits = null)
    {
        limits ??= JsonLimits.Default;
        ReadOnlySpan<byte> mark = [0xEF, 0xBB, 0xBF];
        body = body.Span.StartsWith(mark) ? body[mark.Length..] : body;
        if (body.Span.IndexOfAnyExcept(" \t\r\n"u8) < 0)
        {
            throw JsonErrors.Malformed("is empty; expected a JSON object");
        }

        if (!Utf8.IsValid(body.Span))
        {
            throw JsonErrors.Malformed("is not valid UTF-8");
        }

        Check(body.Span, limits);
        JsonDocument document = ParseUnique(body, limits);
        try
        {
            return new JsonRequest(document, limits);
        }
        catch
        {
            document.Dispose();
            throw;
        }
    }

    public void Dispose() => _document.Dispose();

    // The parser itself finds a lone surrogate only when the string is taken out, and has no bound on the number of values.
    private static void Check(ReadOnlySpan<byte> body, JsonLimits limits)
    {
        Utf8JsonReader reader = new(body, new JsonReaderOptions { MaxDepth = limits.MaxDepth + 1 });
        int tokens = 0;
        try
        {
            while (reader.Read())
            {
                if (++tokens > limits.MaxTokens)
                {
                    throw JsonErrors.Malformed($"holds more than {limits.MaxTokens} JSON names and values");
                }

                if (reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray && reader.CurrentDepth >= limits.MaxDepth)
                {
                    throw JsonErrors.Malformed($"nests deeper than {limits.MaxDepth} levels");
                }

                if (reader.ValueIsEscaped)
                {
                    reader.GetString();
                }
            }
        }
        catch (JsonException e)
        {
            throw JsonErrors.Malformed($"is not valid JSON at line {(e.LineNumber ?? 0) + 1}, byte {(e.BytePositionInLine ?? 0) + 1}; NaN, infinities, comments and trailing commas are not JSON");
        }
        catch (InvalidOperationException)
        {
            throw JsonErrors.Malformed($"holds half a surrogate pair in the string that begins at byte {reader.TokenStartIndex + 1}");
        }
    }

    private static JsonDocument ParseUnique(ReadOnlyMemory<byte> body, JsonLimits limits)
    {
        JsonDocumentOptions options = new() { MaxDepth = limits.MaxDepth + 1, AllowDuplicateProperties = false };
        try
        {
            return JsonDocument.Parse(body, options);
        }
        catch (JsonException)
        {
            using JsonDocument document = JsonDocument.Parse(body, options with { AllowDuplicateProperties = true });
            throw JsonErrors.Malformed($"has the field {FindTwice(document.RootElement, "") ?? "?"} twice");
        }
    }

    private static string? FindTwice(JsonElement element, string path)
    {
        if (element.ValueKind == JsonValueKind.Array)
        {
            int i = 0;
            foreach (JsonElement item in element.EnumerateArray())
            {
                if (FindTwice(item, $"{path}[{i++}]") is { } found)
                {
                    return found;
                }
            }
        }
        else if (element.ValueKind == JsonValueKind.Object)
        {
            HashSet<string> names = new(StringComparer.Ordinal);
            foreach (JsonProperty property in element.EnumerateObject())
            {
                string name = JsonFields.Join(path, property.Name);
                if (!names.Add(property.Name))
                {
                    return name;
                }

                if (FindTwice(property.Value, name) is { } found)
                {
                    return found;
                }
            }
        }

        return null;
    }
}
