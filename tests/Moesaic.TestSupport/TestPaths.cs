namespace Moesaic.TestSupport;

/// <summary>Where test data lies: the small core inside the repository, and the full reference sets beside the clone.</summary>
public static class TestPaths
{
    /// <summary>The reason every test over the full reference sets gives when they are absent; listed in tests/allowed-skips.txt.</summary>
    public const string SharedAbsent = "the full reference sets (../shared) are not beside this clone";

    /// <summary>Root of the repository: the nearest parent folder of the test binary that holds global.json.</summary>
    public static string RepositoryRoot { get; } = FindRepositoryRoot();

    /// <summary>tests/testdata: data that every clone has.</summary>
    public static string TestData(params ReadOnlySpan<string> parts) =>
        Path.Combine([RepositoryRoot, "tests", "testdata", .. parts]);

    /// <summary>Whether ../shared stands beside the clone.</summary>
    public static bool HasShared => Directory.Exists(SharedRoot);

    private static string SharedRoot { get; } = Path.GetFullPath(Path.Combine(RepositoryRoot, "..", "shared"));

    /// <summary>A path below ../shared; the running test is skipped when the set is absent.</summary>
    public static string Shared(params ReadOnlySpan<string> parts)
    {
        if (!HasShared)
        {
            Assert.Ignore(SharedAbsent);
        }

        return Path.Combine([SharedRoot, .. parts]);
    }

    private static string FindRepositoryRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "global.json")))
            {
                return folder.FullName;
            }
        }

        throw new DirectoryNotFoundException($"No parent of {AppContext.BaseDirectory} holds global.json.");
    }
}
