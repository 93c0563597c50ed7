using System.Text.Json;

namespace Moesaic.Cli.Input;

/// <summary>Rows of an <see cref="IdsFile"/> without their padding: what the file's <c>attention_mask</c> leaves.</summary>
internal static class MaskedIds
{
    /// <exception cref="UsageException">The file cannot be read or holds something else, or a mask has a 1 after a 0.</exception>
    public static IReadOnlyList<int[]> Of(IdsFile file)
    {
        string path = file.Path;
        IReadOnlyList<int[]> rows = file.Rows;
        using JsonDocument document = JsonDocument.Parse(Utf8Text.FileBytes("--ids", path));
        if (!document.RootElement.TryGetProperty("attention_mask", out JsonElement mask))
        {
            return rows;
        }

        if (mask.ValueKind == JsonValueKind.Array && mask.GetArrayLength() > 0 && mask[0].ValueKind != JsonValueKind.Array && rows.Count == 1)
        {
            return [Cut(path, "attention_mask", rows[0], mask)];
        }

        if (mask.ValueKind != JsonValueKind.Array || mask.GetArrayLength() != rows.Count)
        {
            throw new UsageException($"{path}: attention_mask must have {rows.Count} rows, as ids has");
        }

        return [.. rows.Select((row, i) => Cut(path, $"attention_mask[{i}]", row, mask[i]))];
    }

    private static int[] Cut(string path, string name, int[] row, JsonElement mask)
    {
        if (mask.ValueKind != JsonValueKind.Array || mask.GetArrayLength() != row.Length)
        {
            throw new UsageException($"{path}: {name} must be an array of {row.Length} numbers, one for each id");
        }

        int length = 0;
        for (int i = 0; i < row.Length; i++)
        {
            int value = mask[i].ValueKind == JsonValueKind.Number && mask[i].TryGetInt32(out int number) && (number is 0 or 1)
                ? mask[i].GetInt32()
                : throw new UsageException($"{path}: {name}[{i}] must be 0 or 1, not {mask[i].GetRawText()}");
            if (value == 1 && length < i)
            {
                throw new UsageException($"{path}: {name}[{i}] is 1 after a 0; padding is understood at the end of a row alone");
            }

            length += value;
        }

        return length > 0 ? row[..length] : throw new UsageException($"{path}: {name} leaves no token");
    }
}
