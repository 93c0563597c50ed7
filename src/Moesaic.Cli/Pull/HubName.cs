namespace Moesaic.Cli.Pull;

/// <summary>
/// The name of a model on a hub, or of a part of it: <c>owner/repo</c>, <c>owner/repo@revision</c>, <c>owner/repo:Q4_K_M</c> (its GGUF of
/// a quantisation), <c>owner/repo/folder/file.gguf</c>.
/// </summary>
internal sealed record HubName
{
    private const int MaxPart = 96;

    private HubName(string owner, string repository)
    {
        Owner = owner;
        Repository = repository;
    }

    public string Owner { get; }

    public string Repository { get; }

    /// <summary>A branch, tag or commit; null: the default.</summary>
    public string? Revision { get; init; }

    /// <summary>Which quantisation is wanted of a repository with several GGUF files.</summary>
    public string? Quantisation { get; private init; }

    /// <summary>A file of the repository, with slashes.</summary>
    public string? File { get; private init; }

    /// <summary><c>owner/repo</c>.</summary>
    public string Id => $"{Owner}/{Repository}";

    /// <summary>Whether a text is such a name; a path of the machine may look like one.</summary>
    public static bool TryParse(string text, out HubName name)
    {
        name = null!;
        int slash = text.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0)
        {
            return false;
        }

        string rest = text[(slash + 1)..];
        int end = rest.IndexOfAny(['@', ':', '/']);
        string repository = end < 0 ? rest : rest[..end];
        if (!IsPart(text[..slash]) || !IsPart(repository))
        {
            return false;
        }

        HubName found = new(text[..slash], repository);
        rest = end < 0 ? "" : rest[end..];
        if (rest.StartsWith('@'))
        {
            end = rest.IndexOf(':', StringComparison.Ordinal);
            string revision = end < 0 ? rest[1..] : rest[1..end];
            if (!IsRevision(revision))
            {
                return false;
            }

            found = found with { Revision = revision };
            rest = end < 0 ? "" : rest[end..];
        }

        if (rest.StartsWith(':'))
        {
            found = found with { Quantisation = rest[1..] };
            rest = IsPart(rest[1..]) ? "" : rest;
        }
        else if (rest.StartsWith('/') && rest.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase) && HubFile.IsSafePath(rest[1..]))
        {
            found = found with { File = rest[1..] };
            rest = "";
        }

        name = found;
        return rest.Length == 0;
    }

    /// <summary>Whether a text can be a branch, tag or commit.</summary>
    public static bool IsRevision(string text) =>
        text.Length is > 0 and <= 255 && !text.Contains("..", StringComparison.Ordinal) && text.All(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-' or '/');

    private static bool IsPart(string text) =>
        text.Length is > 0 and <= MaxPart && text[0] is not ('.' or '-') && !text.Contains("..", StringComparison.Ordinal)
        && text.All(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');
}
