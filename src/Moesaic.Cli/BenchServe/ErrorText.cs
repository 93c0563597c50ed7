using System.Net;
using System.Text;
using System.Text.Json;

namespace Moesaic.Cli.BenchServe;

/// <summary>What a host's error reply says, in one line of bounded length.</summary>
internal static class ErrorText
{
    private const int MaxLength = 300;

    /// <summary>Of a reply with an error status, in whichever envelope.</summary>
    public static string OfReply(HttpStatusCode status, ReadOnlySpan<byte> body)
    {
        string message;
        try
        {
            Utf8JsonReader reader = new(body);
            JsonElement root = JsonElement.ParseValue(ref reader);
            message = OfElement(root.ValueKind == JsonValueKind.Object && root.TryGetProperty("error", out JsonElement error) ? error : root);
        }
        catch (JsonException)
        {
            message = Shorten(Encoding.UTF8.GetString(body));
        }

        return message.Length == 0 ? $"HTTP {(int)status}" : $"HTTP {(int)status}: {message}";
    }

    /// <summary>Of the value of "error".</summary>
    public static string OfElement(JsonElement error) => Shorten(
        error.ValueKind == JsonValueKind.String ? error.GetString()!
        : error.ValueKind == JsonValueKind.Object && error.TryGetProperty("message", out JsonElement message) && message.ValueKind == JsonValueKind.String
            ? message.GetString()!
            : error.GetRawText());

    /// <summary>Of an exception and what caused it.</summary>
    public static string OfException(Exception exception) =>
        Shorten(exception.InnerException is { } inner && inner.Message != exception.Message ? $"{exception.Message} ({inner.Message})" : exception.Message);

    private static string Shorten(string text)
    {
        string line = text.ReplaceLineEndings(" ").Trim();
        return line.Length <= MaxLength ? line : line[..MaxLength] + " ...";
    }
}
