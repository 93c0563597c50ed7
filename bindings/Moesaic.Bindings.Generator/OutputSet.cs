namespace Moesaic.Bindings.Generator;

/// <summary>Generated files of one folder: the folder holds exactly these and no other generated file.</summary>
/// <param name="folder">The folder; only files ending in <paramref name="suffix"/> are looked at.</param>
/// <param name="suffix">How generated files of this folder end.</param>
/// <param name="files">Relative path with forward slashes, and text.</param>
internal sealed class OutputSet(string folder, string suffix, IReadOnlyDictionary<string, string> files)
{
    /// <summary>Writes what differs and deletes what is no longer generated.</summary>
    /// <returns>Number of files written or deleted.</returns>
    public int Write()
    {
        int changes = 0;
        foreach ((string path, string text) in files.OrderBy(f => f.Key, StringComparer.Ordinal))
        {
            string target = Path.Combine(folder, path);
            if (!File.Exists(target) || File.ReadAllText(target) != text)
            {
                Directory.CreateDirectory(Path.GetDirectoryName(target)!);
                File.WriteAllText(target, text);
                changes++;
            }
        }

        foreach (string path in Stale())
        {
            File.Delete(Path.Combine(folder, path));
            changes++;
        }

        return changes;
    }

    /// <summary>One line for each file that is missing, differs or should not be there; empty when all agree.</summary>
    public IReadOnlyList<string> Differences()
    {
        List<string> differences = [];
        foreach ((string path, string text) in files.OrderBy(f => f.Key, StringComparer.Ordinal))
        {
            string target = Path.Combine(folder, path);
            if (!File.Exists(target))
            {
                differences.Add($"{path}: missing");
            }
            else if (File.ReadAllText(target) is string existing && existing != text)
            {
                differences.Add($"{path}: {FirstDifference(existing, text)}");
            }
        }

        differences.AddRange(Stale().Select(path => $"{path}: no longer generated"));
        return differences;
    }

    private List<string> Stale() => !Directory.Exists(folder)
        ? []
        : [.. Directory.EnumerateFiles(folder, "*" + suffix, SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(folder, path).Replace('\\', '/'))
            .Where(path => !files.ContainsKey(path))
            .Order(StringComparer.Ordinal)];

    private static string FirstDifference(string existing, string expected)
    {
        string[] found = existing.Split('\n');
        string[] wanted = expected.Split('\n');
        int line = 0;
        while (line < found.Length && line < wanted.Length && found[line] == wanted[line])
        {
            line++;
        }

        string At(string[] lines) => line < lines.Length ? $"'{lines[line].Trim()}'" : "the end";
        return $"line {line + 1} is {At(found)}, expected {At(wanted)}";
    }
}
