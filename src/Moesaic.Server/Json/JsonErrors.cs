using System.Globalization;
using System.Text.Json;
using Moesaic.Server.Errors;

namespace Moesaic.Server.Json;

/// <summary>The refusals of the reader: each names the path, what was found and what was expected.</summary>
internal static class JsonErrors
{
    private const int MaxShown = 64;

    public static ApiException Malformed(string problem) => new(400, ErrorCodes.InvalidJson, $"the request's body {problem}");

    public static ApiException Missing(string path) => new(400, ErrorCodes.MissingValue, $"{Where(path)}: it is missing; expected a value", Param(path));

    public static ApiException WrongType(JsonField field, string expected) =>
        ApiException.Invalid(Where(field.Path), $"expected {expected}, found {Describe(field.Json)}");

    public static ApiException OutOfRange(JsonField field, string expected) =>
        ApiException.Invalid(Where(field.Path), $"found {Shown(field.Json)}, expected {expected}");

    /// <summary>A value's kind and its beginning, short enough for a message.</summary>
    public static string Describe(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => $"an array of {json.GetArrayLength()} items",
        JsonValueKind.String => $"the string {Shown(json)}",
        JsonValueKind.Number => $"the number {Shown(json)}",
        JsonValueKind.Null => "null",
        _ => Shown(json),
    };

    /// <summary>A name that came with the request, short and without what could mislead a reader: line breaks, marks of direction, halves of characters.</summary>
    public static string Name(string name)
    {
        ReadOnlySpan<char> shown = name.AsSpan(0, Math.Min(name.Length, MaxShown));
        return string.Concat(string.Create(shown.Length, shown, static (text, from) =>
        {
            for (int i = 0; i < text.Length; i++)
            {
                text[i] = IsShown(from[i]) ? from[i] : '?';
            }
        }), name.Length > MaxShown ? "..." : "");
    }

    private static bool IsShown(char character) => char.GetUnicodeCategory(character) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);

    private static string Shown(JsonElement json)
    {
        string raw = json.GetRawText();
        return raw.Length <= MaxShown ? raw : string.Concat(raw.AsSpan(0, MaxShown - 1), "...");
    }

    private static string Where(string path) => path.Length == 0 ? "body" : path;

    private static string? Param(string path) => path.Length == 0 ? null : path;
}
