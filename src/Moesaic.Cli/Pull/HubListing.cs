using System.Text.Json;

namespace Moesaic.Cli.Pull;

/// <summary>Reads the hub's listings. What comes over the network is not trusted.</summary>
internal static class HubListing
{
    private const int MaxFiles = 100_000;
    private const int Sha1Length = 40;
    private const int Sha256Length = 64;

    /// <summary>Adds the files of one page: an array of <c>{type, path, size, oid, lfs: {oid, size}}</c>.</summary>
    /// <exception cref="HubException">It is no such array, or lists what must not be written.</exception>
    public static void AddPage(JsonElement page, List<HubFile> files)
    {
        if (page.ValueKind != JsonValueKind.Array)
        {
            throw new HubException("the hub's listing of files is no array");
        }

        foreach (JsonElement entry in page.EnumerateArray())
        {
            if (entry.ValueKind != JsonValueKind.Object)
            {
                throw new HubException("the hub's listing of files holds something that is no object");
            }

            if (Text(entry, "type") == "file")
            {
                files.Add(Read(entry));
                if (files.Count > MaxFiles)
                {
                    throw new HubException($"the repository has more than {MaxFiles} files");
                }
            }
        }
    }

    /// <summary>Refuses a listing that names a file twice.</summary>
    /// <exception cref="HubException">It does, on a system that does not tell capitals from small letters.</exception>
    public static void CheckUnique(IEnumerable<HubFile> files)
    {
        HashSet<string> seen = new(StringComparer.OrdinalIgnoreCase);
        foreach (HubFile file in files)
        {
            if (!seen.Add(file.Path))
            {
                throw new HubException($"the hub lists '{file.Path}' twice");
            }
        }
    }

    private static HubFile Read(JsonElement entry)
    {
        string path = Text(entry, "path") ?? throw new HubException("the hub lists a file without a path");
        if (!HubFile.IsSafePath(path))
        {
            throw new HubException($"the hub lists '{path}', which is no path of a file within a folder: nothing was written");
        }

        bool isLarge = entry.TryGetProperty("lfs", out JsonElement lfs) && lfs.ValueKind == JsonValueKind.Object;
        JsonElement described = isLarge ? lfs : entry;
        long size = described.TryGetProperty("size", out JsonElement number) && number.ValueKind == JsonValueKind.Number && number.TryGetInt64(out long bytes) ? bytes : -1;
        string oid = Text(described, "oid") ?? "";
        oid = (isLarge && oid.StartsWith("sha256:", StringComparison.Ordinal) ? oid["sha256:".Length..] : oid).ToLowerInvariant();
        return size < 0 ? throw new HubException($"the hub gives no size of {path}")
            : oid.Length != (isLarge ? Sha256Length : Sha1Length) || !oid.All(char.IsAsciiHexDigit) ? throw new HubException($"the hub gives no checksum of {path}")
            : new HubFile(path, size, oid, isLarge);
    }

    /// <summary>A member that is a text; null when it is absent or something else.</summary>
    public static string? Text(JsonElement entry, string name)
    {
        if (!entry.TryGetProperty(name, out JsonElement value) || value.ValueKind != JsonValueKind.String)
        {
            return null;
        }

        try
        {
            return value.GetString();
        }
        catch (InvalidOperationException)
        {
            throw new HubException($"the hub's listing holds half a surrogate pair in '{name}'");
        }
    }
}
