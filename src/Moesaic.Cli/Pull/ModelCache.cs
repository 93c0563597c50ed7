using Moesaic.Models;

namespace Moesaic.Cli.Pull;

/// <summary>Where pulled models lie, and how <c>--model owner/repo</c> finds them.</summary>
internal static class ModelCache
{
    /// <summary>Names the folder; without it <c>moesaic/models</c> in the user's cache folder is used.</summary>
    public const string Variable = "MOESAIC_MODELS";

    /// <summary>Lies in a folder while it is being filled.</summary>
    public const string Marker = ".moesaic-pull";

    private const string CacheVariable = "XDG_CACHE_HOME";

    /// <summary>The folder of all pulled models.</summary>
    public static string Root(Func<string, string?> environment)
    {
        if (environment(Variable) is { Length: > 0 } named)
        {
            return Path.GetFullPath(named);
        }

        string cache = environment(CacheVariable) is { Length: > 0 } given && Path.IsPathRooted(given) ? given
            : OperatingSystem.IsWindows() ? Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData)
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
        return Path.Combine(cache, "moesaic", "models");
    }

    /// <summary>The folder of one model.</summary>
    public static string FolderOf(HubName name, Func<string, string?> environment)
    {
        string repository = name.Revision is { } revision ? $"{name.Repository}@{Uri.EscapeDataString(revision)}" : name.Repository;
        return Path.Combine(Root(environment), name.Owner, repository);
    }

    /// <inheritdoc cref="Resolve(string?, Func{string, string?})"/>
    public static string? Resolve(string? path) => Resolve(path, Environment.GetEnvironmentVariable);

    /// <summary>What a user's <c>--model</c> means: a path that exists is itself, else the name of a pulled model is its folder or file.</summary>
    /// <exception cref="ModelFormatException">It is the name of a model that was not pulled, or not to the end.</exception>
    public static string? Resolve(string? path, Func<string, string?> environment)
    {
        if (path is null || Path.Exists(path) || !HubName.TryParse(path, out HubName name))
        {
            return path;
        }

        string folder = FolderOf(name, environment);
        if (!Directory.Exists(folder))
        {
            throw Error(path, $"there is no such file or folder, and no such model was pulled into {Root(environment)}; get it with: moesaic pull {path}");
        }

        if (name.File is null && name.Quantisation is null)
        {
            return !File.Exists(Path.Combine(folder, Marker)) ? folder
                : throw Error(path, $"its pull into {folder} has not come to its end; finish it with: moesaic pull {path}");
        }

        string[] files = [.. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(folder, file).Replace(Path.DirectorySeparatorChar, '/'))];
        try
        {
            return Path.Combine(folder, FileSelection.Choose(name, files, [])[0]);
        }
        catch (HubException e)
        {
            throw Error(path, $"{e.Message} in {folder}; get it with: moesaic pull {path}");
        }
    }

    private static ModelFormatException Error(string path, string message) => new(path, "model", message);
}
