namespace Moesaic.Cli.Pull;

/// <summary>Names of the files that hold what has come so far. They carry the checksum: parts of another version are never gone on with.</summary>
internal static class PartialFile
{
    public const string Suffix = ".part";

    private const string TagSuffix = ".tag" + Suffix;
    private const int OidLength = 12;

    /// <summary>The bytes from the beginning.</summary>
    public static string Of(string target, HubFile file) => $"{target}.{file.Oid[..OidLength]}{Suffix}";

    /// <summary>The entity tag under which the host gave them.</summary>
    public static string TagOf(string target, HubFile file) => $"{target}.{file.Oid[..OidLength]}{TagSuffix}";
}
