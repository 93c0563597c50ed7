using Moesaic.Cli.Input;
using Moesaic.Server;

namespace Moesaic.Cli.Verbs;

/// <summary>API keys from settings.</summary>
internal static class ServeKeys
{
    /// <summary>Keys of the flag, the environment or the file, then those of the key file.</summary>
    /// <exception cref="UsageException">A key cannot be sent in a header, or two have one name or one secret.</exception>
    public static IReadOnlyList<ApiKey> Read(ServeSettings settings)
    {
        List<ApiKey> keys = [];
        foreach (ServeSetting setting in settings.All("api-key"))
        {
            keys.Add(new ApiKey($"key-{keys.Count + 1}", Secret(setting.Value, setting.Origin)));
        }

        if (settings.Find("api-key-file") is { } file)
        {
            int before = keys.Count;
            int number = 0;
            foreach (string line in Utf8Text.File(file.Origin, file.Value).Split('\n'))
            {
                number++;
                string[] parts = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
                if (parts.Length == 0 || parts[0].StartsWith('#'))
                {
                    continue;
                }

                string origin = $"{file.Origin} {file.Value}, line {number}";
                keys.Add(parts.Length <= 2
                    ? new ApiKey(parts.Length == 2 ? parts[0] : $"key-{keys.Count + 1}", Secret(parts[^1], origin))
                    : throw new UsageException($"{origin}: expected KEY or NAME KEY"));
            }

            if (keys.Count == before)
            {
                // Whoever names a file wants keys; serving everybody instead would be a bad surprise.
                throw new UsageException($"{file.Origin} {file.Value}: it holds no key");
            }
        }

        return keys.DistinctBy(static k => k.Name).Count() == keys.Count && keys.DistinctBy(static k => k.Secret).Count() == keys.Count
            ? keys
            : throw new UsageException("two API keys have the same name or are the same");
    }

    /// <exception cref="UsageException">It cannot be sent in a header.</exception>
    public static string Secret(string value, string origin) =>
        value.Length is > 0 and <= 512 && value.All(static c => c is > ' ' and < '\x7f')
            ? value
            : throw new UsageException($"{origin}: a key is 1 to 512 characters of ASCII without blanks");
}
