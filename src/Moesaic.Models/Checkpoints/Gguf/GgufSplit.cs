using System.Globalization;
using System.Text.RegularExpressions;

namespace Moesaic.Models.Checkpoints.Gguf;

/// <summary>Models split over several files: <c>split.no</c> (from 0), <c>split.count</c> and <c>split.tensors.count</c>.</summary>
internal static partial class GgufSplit
{
    /// <summary>The paths of all parts, in order; the path itself where the model is not split.</summary>
    public static IReadOnlyList<string> PartsOf(string path, GgufMetadata metadata)
    {
        if (!metadata.TryGetInt32("split.count", out int count) || count is 0 or 1)
        {
            return [path];
        }

        Match match = PartName().Match(Path.GetFileName(path));
        if (count < 0 || !match.Success || int.Parse(match.Groups["count"].Value, CultureInfo.InvariantCulture) != count)
        {
            throw new ModelFormatException(path, "split.count", $"the file says that it is one of {count} parts, so its name must end in -00001-of-{Math.Max(count, 0):d5}.gguf (or another part number).");
        }

        string folder = Path.GetDirectoryName(path) ?? "";
        string[] parts = new string[count];
        for (int i = 0; i < count; i++)
        {
            parts[i] = Path.Combine(folder, $"{match.Groups["name"].Value}-{i + 1:d5}-of-{count:d5}.gguf");
            if (!File.Exists(parts[i]))
            {
                throw new ModelFormatException(parts[i], "split.count", $"part {i + 1} of {count} is missing; all parts must lie in one folder.");
            }
        }

        return parts;
    }

    /// <summary>Whether a file name is that of a part other than the first.</summary>
    public static bool IsLaterPart(string fileName) =>
        PartName().Match(fileName) is { Success: true } match && match.Groups["part"].Value != "00001";

    public static void CheckPart(string path, GgufMetadata metadata, int index, int count)
    {
        int foundIndex = metadata.GetInt32("split.no");
        int foundCount = metadata.GetInt32("split.count");
        if (foundIndex != index || foundCount != count)
        {
            throw new ModelFormatException(path, "split.no", $"by its name this is part {index + 1} of {count}, by its header part {foundIndex + 1L} of {foundCount}.");
        }
    }

    public static void CheckTensorCount(GgufMetadata metadata, long found)
    {
        if (metadata.TryGetInt64("split.tensors.count", out long expected) && expected != found)
        {
            throw new ModelFormatException(metadata.File, "split.tensors.count", $"the parts hold {found} tensors together, the header announces {expected}.");
        }
    }

    [GeneratedRegex(@"^(?<name>.+)-(?<part>\d{5})-of-(?<count>\d{5})\.gguf$", RegexOptions.CultureInvariant)]
    private static partial Regex PartName();
}
