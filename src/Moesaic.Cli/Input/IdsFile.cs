using System.Text.Json;

namespace Moesaic.Cli.Input;

/// <summary>A file with {"ids": [...]} or {"ids": [[...], ...]}.</summary>
/// <param name="Path">The file.</param>
/// <param name="Rows">One sequence a row, none empty.</param>
/// <param name="IsNested">Whether the file has rows rather than one plain sequence.</param>
internal sealed record IdsFile(string Path, IReadOnlyList<int[]> Rows, bool IsNested)
{
    /// <exception cref="UsageException">The file cannot be read or holds something else.</exception>
    public static IdsFile Read(string path)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(Utf8Text.FileBytes("--ids", path));
            if (document.RootElement.ValueKind != JsonValueKind.Object
                || !document.RootElement.TryGetProperty("ids", out JsonElement ids)
                || ids.ValueKind != JsonValueKind.Array
                || ids.GetArrayLength() == 0)
            {
                throw new UsageException($"{path}: expected {{\"ids\": [...]}} or {{\"ids\": [[...], ...]}} with at least one token");
            }

            return ids[0].ValueKind == JsonValueKind.Array
                ? new IdsFile(path, [.. ids.EnumerateArray().Select((row, i) => Row(path, $"ids[{i}]", row))], true)
                : new IdsFile(path, [Row(path, "ids", ids)], false);
        }
        catch (JsonException exception)
        {
            throw new UsageException($"{path}: {exception.Message}");
        }
    }

    /// <summary>Refuses ids that a model lacks.</summary>
    /// <exception cref="UsageException">There is one.</exception>
    public void CheckIds(int vocabularySize)
    {
        for (int r = 0; r < Rows.Count; r++)
        {
            int at = Array.FindIndex(Rows[r], id => id >= vocabularySize);
            if (at >= 0)
            {
                string name = IsNested ? $"ids[{r}][{at}]" : $"ids[{at}]";
                throw new UsageException($"{Path}: {name} is {Rows[r][at]}; the model has the tokens 0 to {vocabularySize - 1}");
            }
        }
    }

    private static int[] Row(string path, string name, JsonElement row)
    {
        if (row.ValueKind != JsonValueKind.Array || row.GetArrayLength() == 0)
        {
            throw new UsageException($"{path}: {name} must be an array of at least one token id");
        }

        int[] ids = new int[row.GetArrayLength()];
        for (int i = 0; i < ids.Length; i++)
        {
            ids[i] = row[i].ValueKind == JsonValueKind.Number && row[i].TryGetInt32(out int id) && id >= 0
                ? id
                : throw new UsageException($"{path}: {name}[{i}] must be a token id, not {row[i].GetRawText()}");
        }

        return ids;
    }
}
