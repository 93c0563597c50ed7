using System.Text.Json;

namespace Moesaic.Cli.Input;

/// <summary>A file with {"ids": [...]} or {"ids": [[...], ...]}.</summary>
/// <param name="Path">The file.</param>
/// <param name="Rows">One sequence a row, none empty.</param>
/// <param name="IsNested">Whether the file has rows rather than one plain sequence.</param>
internal sealed record IdsFile(string Path, IReadOnlyList<int[]> Rows, bool IsNested)
{
    private const string Ids = "ids";
    private const string DecoderIds = "decoder_ids";

    /// <summary>What an encoder-decoder's decoder reads, one row for each of <see cref="Rows"/>, none empty; null where the file has none.</summary>
    public IReadOnlyList<int[]>? DecoderRows { get; private init; }

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

            IdsFile file = ids[0].ValueKind == JsonValueKind.Array
                ? new IdsFile(path, RowsOf(path, Ids, ids), true)
                : new IdsFile(path, [Row(path, Ids, ids)], false);
            return document.RootElement.TryGetProperty(DecoderIds, out JsonElement decoderIds) ? file with { DecoderRows = file.Decoder(decoderIds) } : file;
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
        CheckIds(Rows, Ids, vocabularySize);
        CheckIds(DecoderRows ?? [], DecoderIds, vocabularySize);
    }

    /// <summary>Refuses rows that are longer than a model's context.</summary>
    /// <exception cref="UsageException">There is one.</exception>
    public void CheckContext(int maxContext)
    {
        CheckContext(Rows, Ids, maxContext);
        CheckContext(DecoderRows ?? [], DecoderIds, maxContext);
    }

    /// <summary>Refuses rows of several lengths, of which no tensor of logits can be made: those of the decoder's ids where there are any.</summary>
    /// <exception cref="UsageException">The rows differ.</exception>
    public void CheckOneLength()
    {
        (IReadOnlyList<int[]> rows, string name) = DecoderRows is { } decoder ? (decoder, DecoderIds) : (Rows, Ids);
        for (int r = 1; r < rows.Count; r++)
        {
            if (rows[r].Length != rows[0].Length)
            {
                throw new UsageException($"{Path}: {name}[{r}] has {rows[r].Length} tokens and {name}[0] has {rows[0].Length}; a tensor of logits needs rows of one length");
            }
        }
    }

    /// <summary>Refuses ids for a decoder beside an encoder.</summary>
    /// <exception cref="UsageException">There are some.</exception>
    public void RefuseDecoderIds(string verb)
    {
        if (DecoderRows is not null)
        {
            throw new UsageException($"{Path}: {DecoderIds} is what score takes for an encoder-decoder; {verb} takes ids alone");
        }
    }

    private int[][] Decoder(JsonElement rows)
    {
        if (!IsNested)
        {
            return [Row(Path, DecoderIds, rows)];
        }

        return rows.ValueKind == JsonValueKind.Array && rows.GetArrayLength() == Rows.Count
            ? RowsOf(Path, DecoderIds, rows)
            : throw new UsageException($"{Path}: {DecoderIds} must be an array of {Rows.Count} rows, one for each row of ids{(rows.ValueKind == JsonValueKind.Array ? $"; it has {rows.GetArrayLength()}" : "")}");
    }

    private void CheckIds(IReadOnlyList<int[]> rows, string name, int vocabularySize)
    {
        for (int r = 0; r < rows.Count; r++)
        {
            int at = Array.FindIndex(rows[r], id => id >= vocabularySize);
            if (at >= 0)
            {
                throw new UsageException($"{Path}: {NameOf(name, r)}[{at}] is {rows[r][at]}; the model has the tokens 0 to {vocabularySize - 1}");
            }
        }
    }

    private void CheckContext(IReadOnlyList<int[]> rows, string name, int maxContext)
    {
        for (int r = 0; r < rows.Count; r++)
        {
            if (rows[r].Length > maxContext)
            {
                throw new UsageException($"{Path}: {NameOf(name, r)} has {rows[r].Length} tokens; the context holds {maxContext}");
            }
        }
    }

    private string NameOf(string name, int row) => IsNested ? $"{name}[{row}]" : name;

    private static int[][] RowsOf(string path, string name, JsonElement rows) => [.. rows.EnumerateArray().Select((row, i) => Row(path, $"{name}[{i}]", row))];

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
