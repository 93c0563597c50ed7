using System.Text.Json;

namespace Moesaic.Models.Checkpoints.Safetensors;

/// <summary>The <c>weight_map</c> of a <c>model.safetensors.index.json</c>: which shard holds which tensor.</summary>
internal static class SafetensorsIndex
{
    private const int MaxIndexBytes = 100_000_000;
    private static readonly JsonReaderOptions Options = new() { MaxDepth = 64 };

    /// <exception cref="ModelFormatException">The file is unreadable or anything in it is wrong.</exception>
    public static IReadOnlyDictionary<string, string> Read(string path) => Parse(BoundedFile.ReadAllBytes(path, MaxIndexBytes), path);

    /// <summary>Tensor name to shard file name; shard names are plain file names.</summary>
    public static IReadOnlyDictionary<string, string> Parse(ReadOnlySpan<byte> json, string file)
    {
        Dictionary<string, string>? map = null;
        try
        {
            Utf8JsonReader reader = new(json, Options);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                throw new ModelFormatException(file, "index", "expected a JSON object.");
            }

            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                bool isMap = reader.ValueTextEquals("weight_map");
                reader.Read();
                if (isMap)
                {
                    map = map is null ? ParseMap(ref reader, file) : throw new ModelFormatException(file, "weight_map", "this key occurs twice.");
                }
                else
                {
                    reader.Skip();
                }
            }

            reader.Read();
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new ModelFormatException(file, "index", $"it is not valid JSON: {e.Message}", e);
        }

        return map is { Count: > 0 } ? map : throw new ModelFormatException(file, "weight_map", "this key is missing or empty; expected an object of tensor names and shard files.");
    }

    private static Dictionary<string, string> ParseMap(ref Utf8JsonReader reader, string file)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw new ModelFormatException(file, "weight_map", $"expected an object, found {reader.TokenType}.");
        }

        Dictionary<string, string> map = new(StringComparer.Ordinal);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string tensor = reader.GetString()!;
            reader.Read();
            if (reader.TokenType != JsonTokenType.String)
            {
                throw new ModelFormatException(file, $"weight_map.{tensor}", $"expected a file name, found {reader.TokenType}.");
            }

            string shard = reader.GetString()!;
            if (!IsPlainFileName(shard))
            {
                throw new ModelFormatException(file, $"weight_map.{tensor}", $"the shard '{shard}' must be a plain *.safetensors file name in the same folder.");
            }

            if (!map.TryAdd(tensor, shard))
            {
                throw new ModelFormatException(file, $"weight_map.{tensor}", "this tensor occurs twice.");
            }
        }

        return map;
    }

    /// <summary>Refuses anything that could leave the folder, on any system.</summary>
    private static bool IsPlainFileName(string name) =>
        name.Length <= 255 && name.EndsWith(".safetensors", StringComparison.Ordinal) && name.AsSpan().IndexOfAny("/\\:\0") < 0 && name[0] != '.';
}
