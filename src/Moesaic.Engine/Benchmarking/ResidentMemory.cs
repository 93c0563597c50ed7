using System.Globalization;

namespace Moesaic.Engine.Benchmarking;

/// <summary>How much memory this process has held at most.</summary>
internal static class ResidentMemory
{
    private const string Status = "/proc/self/status";

    /// <summary>The peak of resident memory in bytes (VmHWM); null where the system does not tell.</summary>
    public static long? Peak()
    {
        if (!File.Exists(Status))
        {
            return null;
        }

        string? line = File.ReadLines(Status).FirstOrDefault(static l => l.StartsWith("VmHWM:", StringComparison.Ordinal));
        string? kilobytes = line?.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries).ElementAtOrDefault(1);
        return long.TryParse(kilobytes, CultureInfo.InvariantCulture, out long value) ? value * 1024 : null;
    }
}
