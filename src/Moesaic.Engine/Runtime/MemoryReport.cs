using System.Globalization;

namespace Moesaic.Engine;

/// <summary>How much memory this process can still take.</summary>
/// <param name="AvailableBytes">Bytes.</param>
/// <param name="Limit">What sets the limit, for messages.</param>
public sealed record MemoryReport(long AvailableBytes, string Limit)
{
    /// <summary>Reads what Linux tells: free and reclaimable memory and swap, and the limits of control groups; null elsewhere.</summary>
    /// <param name="root">The root of the file system, other than "/" in tests.</param>
    public static MemoryReport? Read(string root = "/")
    {
        if (ReadTable(Path.Combine(root, "proc/meminfo")) is not { } machine || !machine.TryGetValue("MemAvailable:", out long available))
        {
            return null;
        }

        // meminfo counts in KiB.
        MemoryReport report = new((available + machine.GetValueOrDefault("SwapFree:")) * 1024, "free memory and swap of the machine");
        foreach ((string folder, string limit, string used, string cache) in Groups(root))
        {
            // Pages of files count as used, but are given up when memory is short.
            if (ReadNumber(Path.Combine(folder, limit)) is { } max && ReadNumber(Path.Combine(folder, used)) is { } taken)
            {
                long reclaimable = ReadTable(Path.Combine(folder, "memory.stat"))?.GetValueOrDefault(cache) ?? 0;
                long left = Math.Max(0, max - Math.Max(0, taken - reclaimable));
                report = left < report.AvailableBytes ? new MemoryReport(left, $"limit of the control group {folder}") : report;
            }
        }

        return report;
    }

    // This process's groups and all above them, in both versions of the interface.
    private static IEnumerable<(string Folder, string Limit, string Used, string Cache)> Groups(string root)
    {
        string mount = Path.Combine(root, "sys/fs/cgroup");
        foreach (string line in ReadLines(Path.Combine(root, "proc/self/cgroup")))
        {
            string[] parts = line.Split(':', 3);
            bool unified = parts is ["0", "", _];
            if (!unified && !(parts.Length == 3 && parts[1].Split(',').Contains("memory")))
            {
                continue;
            }

            string top = unified ? mount : Path.Combine(mount, "memory");
            for (string path = parts[2].Trim('/'); ; path = Path.GetDirectoryName(path) ?? "")
            {
                yield return unified
                    ? (Path.Combine(top, path), "memory.max", "memory.current", "file")
                    : (Path.Combine(top, path), "memory.limit_in_bytes", "memory.usage_in_bytes", "total_cache");
                if (path.Length == 0)
                {
                    break;
                }
            }
        }
    }

    // A limit that is not there says "max", which is no number.
    private static long? ReadNumber(string file) =>
        long.TryParse(ReadLines(file).FirstOrDefault(), NumberStyles.None, CultureInfo.InvariantCulture, out long value) ? value : null;

    private static Dictionary<string, long>? ReadTable(string file)
    {
        Dictionary<string, long> table = [];
        foreach (string line in ReadLines(file))
        {
            string[] parts = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (parts.Length >= 2 && long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out long value))
            {
                table[parts[0]] = value;
            }
        }

        return table.Count == 0 ? null : table;
    }

    private static string[] ReadLines(string file)
    {
        try
        {
            return File.Exists(file) ? File.ReadAllLines(file) : [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
