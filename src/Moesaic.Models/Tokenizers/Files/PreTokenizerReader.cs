using Moesaic.Models.Tokenizers.Patterns;
using Moesaic.Models.Tokenizers.PreTokenizers;
using Moesaic.Models.Unicode;

namespace Moesaic.Models.Tokenizers.Files;

/// <summary>Reads pre-tokenizers; sequences come out flat.</summary>
internal static class PreTokenizerReader
{
    public static List<PreTokenizer> Read(JsonField field)
    {
        List<PreTokenizer> result = [];
        if (!field.IsNull)
        {
            Read(field, result);
        }

        return result;
    }

    /// <summary>When to put the space character before a text, from either of the two generations of fields.</summary>
    public static PrependScheme ReadPrependScheme(JsonField field)
    {
        JsonField schemeField = field["prepend_scheme"];
        PrependScheme scheme = schemeField.OptionalString() switch
        {
            null or "always" => PrependScheme.Always,
            "first" => PrependScheme.First,
            "never" => PrependScheme.Never,
            _ => throw schemeField.Unexpected("\"always\", \"first\" or \"never\""),
        };
        if (!field["add_prefix_space"].OptionalBool(true))
        {
            if (!schemeField.IsNull && scheme != PrependScheme.Never)
            {
                throw schemeField.Unexpected("\"never\", since add_prefix_space is false");
            }

            scheme = PrependScheme.Never;
        }

        return scheme;
    }

    private static void Read(JsonField field, List<PreTokenizer> result)
    {
        string type = field.Object()["type"].String();
        switch (type)
        {
            case "Sequence":
                foreach (JsonField part in field["pretokenizers"].Items())
                {
                    Read(part, result);
                }

                break;
            case "ByteLevel":
                result.Add(new ByteLevelPreTokenizer(field["add_prefix_space"].OptionalBool(true), field["use_regex"].OptionalBool(true), mapBytes: true));
                break;
            case "Split":
                TokenPattern pattern = NormalizerReader.ReadPattern(field["pattern"], out string? literal) ?? TokenPattern.Literal(literal!);
                result.Add(new SplitPreTokenizer(pattern, ReadBehavior(field["behavior"]), field["invert"].OptionalBool(false)));
                break;
            case "Metaspace":
                result.Add(new MetaspacePreTokenizer(field["replacement"].Character(), ReadPrependScheme(field), field["split"].OptionalBool(true)));
                break;
            case "Whitespace":
                result.Add(new WhitespacePreTokenizer());
                break;
            case "WhitespaceSplit":
                result.Add(CharacterPreTokenizer.WhiteSpace);
                break;
            case "BertPreTokenizer":
                result.Add(CharacterPreTokenizer.WhiteSpace);
                result.Add(new CharacterPreTokenizer(CharacterPreTokenizer.IsPunctuation, SplitBehavior.Isolated));
                break;
            case "Punctuation":
                SplitBehavior behavior = field["behavior"].IsNull ? SplitBehavior.Isolated : ReadBehavior(field["behavior"]);
                result.Add(new CharacterPreTokenizer(CharacterPreTokenizer.IsPunctuation, behavior));
                break;
            case "Digits":
                result.Add(new CharacterPreTokenizer(UnicodeInfo.IsNumeric, field["individual_digits"].OptionalBool(false) ? SplitBehavior.Isolated : SplitBehavior.Contiguous));
                break;
            case "CharDelimiterSplit":
                int delimiter = char.ConvertToUtf32(field["delimiter"].Character(), 0);
                result.Add(new CharacterPreTokenizer(c => c == delimiter, SplitBehavior.Removed));
                break;
            case "UnicodeScripts":
                result.Add(new UnicodeScriptsPreTokenizer());
                break;
            case "FixedLength":
                result.Add(new FixedLengthPreTokenizer(field["length"].IsNull ? 5 : field["length"].Int(1)));
                break;
            default:
                throw field["type"].Unexpected("a known pre-tokenizer (Sequence, ByteLevel, Split, Metaspace, Whitespace, WhitespaceSplit, BertPreTokenizer, Punctuation, Digits, CharDelimiterSplit, UnicodeScripts, FixedLength)");
        }
    }

    private static SplitBehavior ReadBehavior(JsonField field) => field.String() switch
    {
        "Removed" or "removed" => SplitBehavior.Removed,
        "Isolated" or "isolated" => SplitBehavior.Isolated,
        "MergedWithPrevious" or "merged_with_previous" => SplitBehavior.MergedWithPrevious,
        "MergedWithNext" or "merged_with_next" => SplitBehavior.MergedWithNext,
        "Contiguous" or "contiguous" => SplitBehavior.Contiguous,
        _ => throw field.Unexpected("Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous"),
    };
}
