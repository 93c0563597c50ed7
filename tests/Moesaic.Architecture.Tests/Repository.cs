using System.Xml.Linq;
using Moesaic.TestSupport;

namespace Moesaic.Architecture.Tests;

/// <summary>The files of the repository, without what is built or brought along.</summary>
internal static class Repository
{
    private static readonly HashSet<string> SkippedFolders = ["out", "bin", "obj", "testdata", "TestResults", ".git", ".tools", ".dotnet", "node_modules"];

    public static string Root => TestPaths.RepositoryRoot;

    /// <summary>Paths relative to the root, with forward slashes, in ordinal order.</summary>
    public static IReadOnlyList<string> Files(string folder, string pattern)
    {
        List<string> files = [];
        string start = Path.Combine(Root, folder);
        if (Directory.Exists(start))
        {
            Collect(start, pattern, files);
        }

        return [.. files.Select(Relative).Order(StringComparer.Ordinal)];
    }

    public static string Read(string path) => File.ReadAllText(Path.Combine(Root, path));

    /// <summary>Names of the projects that a project file refers to.</summary>
    public static IEnumerable<string> References(string project) =>
        XDocument.Load(Path.Combine(Root, project)).Descendants("ProjectReference")
            .Select(r => Path.GetFileNameWithoutExtension(r.Attribute("Include")!.Value.Replace('\\', '/')));

    private static string Relative(string path) => Path.GetRelativePath(Root, path).Replace('\\', '/');

    private static void Collect(string folder, string pattern, List<string> files)
    {
        files.AddRange(Directory.EnumerateFiles(folder, pattern));
        foreach (string child in Directory.EnumerateDirectories(folder))
        {
            if (!SkippedFolders.Contains(Path.GetFileName(child)))
            {
                Collect(child, pattern, files);
            }
        }
    }
}
