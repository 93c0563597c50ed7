namespace Moesaic.Cli.Pull;

/// <summary>A file of a repository as the hub lists it.</summary>
/// <param name="Path">Within the repository, with slashes; safe to be put under a folder.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Oid">Hexadecimal checksum of the content.</param>
/// <param name="IsSha256">Whether that is the SHA-256 of the bytes (large files) or git's SHA-1 of a blob.</param>
internal sealed record HubFile(string Path, long Size, string Oid, bool IsSha256)
{
    private const int MaxSegment = 200;
    private const int MaxPath = 1024;

    /// <summary>Whether a path stays under the folder that it is put into, on every system, and is no unfinished part of ours.</summary>
    public static bool IsSafePath(string path) =>
        path.Length is > 0 and <= MaxPath && path.Split('/').All(IsSafeSegment);

    private static bool IsSafeSegment(string segment) =>
        segment.Length is > 0 and <= MaxSegment
        && segment[^1] is not ('.' or ' ')
        && !segment.EndsWith(PartialFile.Suffix, StringComparison.OrdinalIgnoreCase)
        && !segment.Equals(ModelCache.Marker, StringComparison.OrdinalIgnoreCase)
        && segment.All(static c => c >= ' ' && c is not ('\\' or ':' or '*' or '?' or '"' or '<' or '>' or '|' or '\x7f'));
}
