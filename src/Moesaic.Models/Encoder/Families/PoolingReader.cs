using System.Text.Json;
using Moesaic.Models.Configurations;

namespace Moesaic.Models.Encoder;

/// <summary>Reads how a folder of sentence-transformers pools: <c>modules.json</c> and the pooling module's <c>config.json</c>.</summary>
internal static class PoolingReader
{
    private const int MaxBytes = 1 << 20;
    private const string Flag = "pooling_mode_";

    /// <summary>The folder's pooling; the normalised mean where it says nothing.</summary>
    /// <exception cref="ModelFormatException">A module or a kind of pooling is not supported.</exception>
    public static PoolingDescription Read(string folder)
    {
        string path = Path.Combine(folder, "modules.json");
        if (!File.Exists(path))
        {
            string beside = Path.Combine(folder, "1_Pooling", "config.json");
            return File.Exists(beside) ? new PoolingDescription(Kind(beside), true) : PoolingDescription.Default;
        }

        PoolingKind? kind = null;
        bool normalise = false;
        List<(string Type, string Path)> modules = Modules(path);
        for (int i = 0; i < modules.Count; i++)
        {
            (string type, string place) = modules[i];
            switch (type[(type.LastIndexOf('.') + 1)..])
            {
                case "Transformer" when i == 0:
                    break;
                case "Pooling" when i == 1:
                    kind = Kind(Path.Combine(folder, place, "config.json"));
                    break;
                case "Normalize" when i == 2:
                    normalise = true;
                    break;
                default:
                    throw Error(path, "type", $"the module '{type}' at place {i} is not supported; expected Transformer, Pooling and optionally Normalize, in this order.");
            }
        }

        return new PoolingDescription(kind ?? throw Error(path, "type", "there is no Pooling module."), normalise);
    }

    private static List<(string Type, string Path)> Modules(string path)
    {
        try
        {
            if (new FileInfo(path).Length > MaxBytes)
            {
                throw Error(path, "", $"it is larger than {MaxBytes} bytes.");
            }

            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path));
            if (document.RootElement.ValueKind != JsonValueKind.Array)
            {
                throw Error(path, "", "expected an array of modules.");
            }

            return [.. document.RootElement.EnumerateArray().Select(m => (Text(path, m, "type"), Inside(path, Text(path, m, "path"))))];
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException or InvalidOperationException)
        {
            throw new ModelFormatException(path, "", $"it cannot be read: {e.Message}", e);
        }
    }

    private static string Inside(string path, string place) => Path.IsPathRooted(place) || place.Split('/', '\\').Contains("..")
        ? throw Error(path, "path", $"'{place}' lies outside the folder.")
        : place;

    private static string Text(string path, JsonElement module, string key) =>
        module.ValueKind == JsonValueKind.Object && module.TryGetProperty(key, out JsonElement value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()!
            : throw Error(path, key, "this key is missing; expected a string in every module.");

    private static PoolingKind Kind(string path)
    {
        JsonConfig config = JsonConfig.Load(path);
        config.Ignore("word_embedding_dimension", "embedding_dimension");
        config.RequireBoolean("include_prompt", true);
        List<string> modes = [];
        if (config.TryGetString("pooling_mode", out string? mode))
        {
            modes.Add(mode);
        }

        foreach (string key in config.UnreadKeys.Where(k => k.StartsWith(Flag, StringComparison.Ordinal)).ToArray())
        {
            if (config.GetBoolean(key, false))
            {
                modes.Add(key[Flag.Length..]);
            }
        }

        config.RequireAllRead();
        return modes switch
        {
            ["mean_tokens" or "mean"] => PoolingKind.Mean,
            ["cls_token" or "cls"] => PoolingKind.FirstToken,
            ["lasttoken"] => PoolingKind.LastToken,
            [] => throw config.Error("pooling_mode", "no kind of pooling is set; expected mean, cls or lasttoken."),
            _ => throw config.Error("pooling_mode", $"pooling by {string.Join(" and ", modes)} is not supported; expected one of mean, cls and lasttoken."),
        };
    }

    private static ModelFormatException Error(string path, string field, string message) => new(path, field, message);
}
