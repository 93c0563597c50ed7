using System.Text.Json;

namespace Moesaic.Models.Tests.Tokenizers;

/// <summary>One line of a cases.jsonl.</summary>
public sealed record ReferenceCase(string Text, int[] Ids, int[] IdsSpecial, string Decoded, string DecodedSkip)
{
    public static List<ReferenceCase> Load(string file)
    {
        List<ReferenceCase> cases = [];
        foreach (string line in File.ReadLines(file))
        {
            using JsonDocument document = JsonDocument.Parse(line);
            JsonElement root = document.RootElement;
            cases.Add(new ReferenceCase(
                root.GetProperty("text").GetString()!,
                [.. root.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())],
                [.. root.GetProperty("ids_special").EnumerateArray().Select(id => id.GetInt32())],
                root.GetProperty("decoded").GetString()!,
                root.GetProperty("decoded_skip").GetString()!));
        }

        return cases;
    }
}
