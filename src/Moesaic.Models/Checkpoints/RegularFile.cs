namespace Moesaic.Models.Checkpoints;

/// <summary>Opens files that a model's folder names.</summary>
internal static class RegularFile
{
    /// <summary>The file's bytes as a stream. What has no length (an empty file, a pipe, a device) is never opened: a pipe would block for ever.</summary>
    /// <exception cref="IOException">The file is missing or unreadable.</exception>
    public static Stream OpenRead(string path)
    {
        FileInfo named = new(path);
        FileSystemInfo file = named.ResolveLinkTarget(returnFinalTarget: true) ?? named;
        return file is FileInfo { Exists: true, Length: 0 }
            ? new MemoryStream([], writable: false)
            : new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.SequentialScan);
    }
}
