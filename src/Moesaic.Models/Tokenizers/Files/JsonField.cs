using System.Text.Json;
using Moesaic.Models.Checkpoints;

namespace Moesaic.Models.Tokenizers.Files;

/// <summary>A value in an untrusted JSON file that knows its path; everything unexpected becomes a <see cref="ModelFormatException"/>.</summary>
internal readonly struct JsonField(string file, string path, JsonElement element)
{
    private const long MaxFileBytes = 1L << 30;

    public string File { get; } = file;

    public string Path { get; } = path;

    public JsonElement Element { get; } = element;

    public bool IsNull => Element.ValueKind is JsonValueKind.Null or JsonValueKind.Undefined;

    public JsonValueKind Kind => Element.ValueKind;

    /// <summary>Reads a file and hands its root to a function.</summary>
    public static T ReadFile<T>(string file, Func<JsonField, T> read) => Read(file, BoundedFile.ReadAllBytes(file, MaxFileBytes), read);

    /// <summary>Reads JSON text and hands its root to a function.</summary>
    public static T Read<T>(string file, ReadOnlyMemory<byte> json, Func<JsonField, T> read)
    {
        if (json.Span.StartsWith("\uFEFF"u8))
        {
            json = json[3..];
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(json, new JsonDocumentOptions { AllowDuplicateProperties = false, MaxDepth = 64 });
            return read(new JsonField(file, "", document.RootElement));
        }
        catch (JsonException exception)
        {
            throw new ModelFormatException(file, "", $"this is not valid JSON: {exception.Message}", exception);
        }
        catch (InvalidOperationException exception) when (exception is not ObjectDisposedException and not TokenizationException)
        {
            // System.Text.Json says so of strings that are not valid UTF-8 or UTF-16.
            throw new ModelFormatException(file, "", $"a string holds invalid characters: {exception.Message}", exception);
        }
    }

    public JsonField this[string name] => Element.ValueKind == JsonValueKind.Object && Element.TryGetProperty(name, out JsonElement child)
        ? new JsonField(File, Path.Length == 0 ? name : $"{Path}.{name}", child)
        : new JsonField(File, Path.Length == 0 ? name : $"{Path}.{name}", default);

    public JsonField At(int index) => new(File, $"{Path}[{index}]", Element[index]);

    public ModelFormatException Error(string message) => new(File, Path, message);

    public ModelFormatException Unexpected(string expected) => Error(IsNull ? $"missing; expected {expected}" : $"found {Shown}; expected {expected}");

    public JsonField Object() => Kind == JsonValueKind.Object ? this : throw Unexpected("an object");

    public int ArrayLength() => Kind == JsonValueKind.Array ? Element.GetArrayLength() : throw Unexpected("an array");

    public IEnumerable<JsonField> Items()
    {
        ArrayLength();
        int index = 0;
        foreach (JsonElement item in Element.EnumerateArray())
        {
            yield return new JsonField(File, $"{Path}[{index++}]", item);
        }
    }

    public string String() => Kind == JsonValueKind.String ? Element.GetString()! : throw Unexpected("a string");

    public string? OptionalString() => IsNull ? null : String();

    public bool Bool() => Kind is JsonValueKind.True or JsonValueKind.False ? Element.GetBoolean() : throw Unexpected("true or false");

    public bool OptionalBool(bool otherwise) => IsNull ? otherwise : Bool();

    public int Int(int min = 0, int max = int.MaxValue) =>
        Kind == JsonValueKind.Number && Element.TryGetInt32(out int value) && value >= min && value <= max
            ? value
            : throw Unexpected($"a whole number from {min} to {max}");

    public double Double() =>
        Kind == JsonValueKind.Number && Element.TryGetDouble(out double value) && double.IsFinite(value) ? value : throw Unexpected("a finite number");

    /// <summary>One character.</summary>
    public string Character()
    {
        string text = String();
        bool single = text.Length == 1 || (text.Length == 2 && char.IsSurrogatePair(text[0], text[1]));
        return single ? text : throw Unexpected("one character");
    }

    private string Shown
    {
        get
        {
            string raw = Element.GetRawText();
            return raw.Length <= 80 ? raw : raw[..77] + "...";
        }
    }
}
