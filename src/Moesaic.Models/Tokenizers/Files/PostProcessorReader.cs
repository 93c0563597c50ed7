using System.Text.Json;
using Moesaic.Models.Tokenizers.PostProcessors;

namespace Moesaic.Models.Tokenizers.Files;

/// <summary>Reads post-processors.</summary>
internal static class PostProcessorReader
{
    public static PostProcessor Read(JsonField field)
    {
        string type = field.Object()["type"].String();
        return type switch
        {
            // It only changes offsets, which Moesaic does not report.
            "ByteLevel" => new SurroundPostProcessor([], []),
            "BertProcessing" or "RobertaProcessing" => new SurroundPostProcessor([ReadPair(field["cls"])], [ReadPair(field["sep"])]),
            "TemplateProcessing" => ReadTemplate(field),
            "Sequence" => new SequencePostProcessor([.. field["processors"].Items().Select(Read)]),
            _ => throw field["type"].Unexpected("a known post-processor (ByteLevel, BertProcessing, RobertaProcessing, TemplateProcessing, Sequence)"),
        };
    }

    // ["[CLS]", 101]
    private static int ReadPair(JsonField field)
    {
        if (field.ArrayLength() != 2)
        {
            throw field.Unexpected("a token and its id");
        }

        field.At(0).String();
        return field.At(1).Int();
    }

    private static TemplatePostProcessor ReadTemplate(JsonField field)
    {
        Dictionary<string, int[]> special = ReadSpecialTokens(field["special_tokens"]);
        JsonField single = field["single"];
        List<int[]?> parts = [];
        if (single.Kind == JsonValueKind.String)
        {
            foreach (string piece in single.String().Split(' ', StringSplitOptions.RemoveEmptyEntries))
            {
                parts.Add(ReadPiece(single, piece, special));
            }

            return new TemplatePostProcessor(parts);
        }

        foreach (JsonField item in single.Items())
        {
            if (item.Kind == JsonValueKind.String)
            {
                parts.Add(ReadPiece(item, item.String(), special));
            }
            else if (!item["Sequence"].IsNull)
            {
                JsonField id = item["Sequence"]["id"];
                parts.Add(id.String() == "A" ? null : throw id.Unexpected("\"A\": a single text has no other sequence"));
            }
            else
            {
                JsonField id = item["SpecialToken"]["id"];
                parts.Add(special.GetValueOrDefault(id.String()) ?? throw id.Unexpected("a token out of special_tokens"));
            }
        }

        return new TemplatePostProcessor(parts);
    }

    // "[CLS]", "$A", "$0:1": the short form of a template.
    private static int[]? ReadPiece(JsonField field, string piece, Dictionary<string, int[]> special)
    {
        string name = piece.Split(':')[0];
        if (name.StartsWith('$'))
        {
            return name is "$B" or "$b" ? throw field.Unexpected("$A: a single text has no other sequence") : null;
        }

        return special.GetValueOrDefault(name) ?? throw field.Unexpected("tokens out of special_tokens");
    }

    private static Dictionary<string, int[]> ReadSpecialTokens(JsonField field)
    {
        Dictionary<string, int[]> result = [];
        if (field.Kind == JsonValueKind.Array)
        {
            foreach (JsonField item in field.Items())
            {
                result[item["id"].String()] = ReadIds(item["ids"]);
            }

            return result;
        }

        if (!field.IsNull)
        {
            foreach (JsonProperty property in field.Object().Element.EnumerateObject())
            {
                result[property.Name] = ReadIds(field[property.Name]["ids"]);
            }
        }

        return result;
    }

    private static int[] ReadIds(JsonField field) => [.. field.Items().Select(id => id.Int())];
}
