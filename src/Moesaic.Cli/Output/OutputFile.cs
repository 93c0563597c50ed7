namespace Moesaic.Cli.Output;

/// <summary>A file that an option asks to be written. It appears when complete, in the place of one that is there.</summary>
internal static class OutputFile
{
    /// <summary>Refuses early, before a long run, what cannot become a file.</summary>
    /// <exception cref="UsageException">The folder is absent, or the path names a folder or a device.</exception>
    public static void Check(string option, string? path)
    {
        if (path is null)
        {
            return;
        }

        string full = Path.GetFullPath(path.Length > 0 ? path : throw new UsageException($"{option} is empty; expected the name of a file"));
        if (Directory.Exists(full))
        {
            throw new UsageException($"{option} {path}: it is a folder; expected the name of a file");
        }

        if (Path.GetDirectoryName(full) is not { } folder || !Directory.Exists(folder))
        {
            throw new UsageException($"{option} {path}: there is no such folder");
        }

        // A device would be replaced by a file of its name.
        if (!OperatingSystem.IsWindows() && full.StartsWith("/dev/", StringComparison.Ordinal) && !full.StartsWith("/dev/shm/", StringComparison.Ordinal))
        {
            throw new UsageException($"{option} {path}: it is a device; expected the name of a file");
        }
    }
}
