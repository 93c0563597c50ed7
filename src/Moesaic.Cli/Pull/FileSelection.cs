using System.IO.Enumeration;
using System.Text.RegularExpressions;

namespace Moesaic.Cli.Pull;

/// <summary>Which files of a repository make the model that was asked for.</summary>
internal static partial class FileSelection
{
    private const int MaxShown = 12;

    /// <param name="name">What was asked for.</param>
    /// <param name="paths">All files of the repository.</param>
    /// <param name="include">Patterns of whole paths (* and ?); empty: the files that running the model takes.</param>
    /// <returns>The chosen paths, in order.</returns>
    /// <exception cref="HubException">None, or not one model: the message names what there is.</exception>
    public static IReadOnlyList<string> Choose(HubName name, IReadOnlyList<string> paths, IReadOnlyList<string> include)
    {
        if (include.Count > 0)
        {
            string[] matching = [.. paths.Where(path => include.Any(pattern => FileSystemName.MatchesSimpleExpression(pattern, path, ignoreCase: false)))];
            return matching.Length > 0 ? matching : throw new HubException($"no file of {name.Id} matches {string.Join(", ", include)}; it has {Shown(paths)}");
        }

        if (name.File is { } file)
        {
            string stem = StemOf(file);
            string[] parts = [.. Models(paths).Where(path => path == file || (SplitName().IsMatch(file) && StemOf(path) == stem))];
            return parts.Length > 0 ? parts : throw new HubException($"{name.Id} has no file {file}; it has {Shown([.. Models(paths)])}");
        }

        if (name.Quantisation is { } quantisation)
        {
            return Quantisation(name.Id, paths, quantisation);
        }

        string[] tensors = Weights(paths);
        if (tensors.Length > 0)
        {
            return [.. tensors.Concat(paths.Where(IsBeside)).Order(StringComparer.Ordinal)];
        }

        IGrouping<string, string>[] models = [.. Models(paths).GroupBy(StemOf)];
        return models.Length == 1 ? [.. models[0].Order(StringComparer.Ordinal)]
            : models.Length == 0 ? throw new HubException($"{name.Id} has neither safetensors nor GGUF files; it has {Shown(paths)}")
            : throw new HubException($"{name.Id} has {models.Length} GGUF models; choose one as {name.Id}:NAME or {name.Id}/FILE.gguf: {Shown([.. models.Select(static m => m.Key)])}");
    }

    /// <summary>The GGUF file, or the parts of one, whose name holds a quantisation as a word of its own.</summary>
    /// <exception cref="HubException">There is none, or more than one.</exception>
    public static IReadOnlyList<string> Quantisation(string id, IEnumerable<string> paths, string quantisation)
    {
        Regex word = new($"(^|[-._/]){Regex.Escape(quantisation)}($|[-./])", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant);
        IGrouping<string, string>[] all = [.. Models(paths).GroupBy(StemOf)];
        IGrouping<string, string>[] matching = [.. all.Where(model => word.IsMatch(model.Key))];
        return matching.Length == 1 ? [.. matching[0].Order(StringComparer.Ordinal)]
            : matching.Length == 0 ? throw new HubException($"{id} has no GGUF model '{quantisation}'; it has {Shown([.. all.Select(static m => m.Key)])}")
            : throw new HubException($"{id} has {matching.Length} GGUF models '{quantisation}'; name a file: {Shown([.. matching.Select(static m => m.Key)])}");
    }

    // Vision parts and importance matrices lie beside models and are none.
    private static IEnumerable<string> Models(IEnumerable<string> paths) => paths.Where(static path =>
        path.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase)
        && !NameOf(path).StartsWith("mmproj", StringComparison.OrdinalIgnoreCase)
        && !NameOf(path).Contains("imatrix", StringComparison.OrdinalIgnoreCase));

    // Some repositories hold the same weights twice, the second time in their author's own naming.
    private static string[] Weights(IEnumerable<string> paths)
    {
        string[] all = [.. paths.Where(static p => !p.Contains('/', StringComparison.Ordinal) && p.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase))];
        string[] usual = [.. all.Where(static p => p.StartsWith("model", StringComparison.Ordinal))];
        return usual.Length > 0 ? usual : all;
    }

    // Configuration, tokenizer and template; and what sentence encoders say of their pooling.
    private static bool IsBeside(string path) => path.Contains('/', StringComparison.Ordinal)
        ? NumberedFolder().IsMatch(path) && path.EndsWith("/config.json", StringComparison.Ordinal)
        : Path.GetExtension(path).ToLowerInvariant() is ".json" or ".jinja" or ".model" or ".txt" || NameOf(path).StartsWith("LICENSE", StringComparison.OrdinalIgnoreCase);

    private static string StemOf(string path)
    {
        string stem = path.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase) ? path[..^".gguf".Length] : path;
        return SplitSuffix().Replace(stem, "");
    }

    private static string NameOf(string path) => path[(path.LastIndexOf('/') + 1)..];

    private static string Shown(IReadOnlyList<string> names) => names.Count == 0 ? "none"
        : string.Join(", ", names.Take(MaxShown)) + (names.Count > MaxShown ? $" and {names.Count - MaxShown} more" : "");

    [GeneratedRegex(@"-\d{5}-of-\d{5}$")]
    private static partial Regex SplitSuffix();

    [GeneratedRegex(@"-\d{5}-of-\d{5}\.gguf$", RegexOptions.IgnoreCase)]
    private static partial Regex SplitName();

    [GeneratedRegex(@"^\d+_[^/]+/[^/]+$")]
    private static partial Regex NumberedFolder();
}
