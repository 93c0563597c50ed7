using System.Text;
using Moesaic.Models.Tokenizers.Normalizers;
using Moesaic.Models.Tokenizers.Patterns;

namespace Moesaic.Models.Tokenizers.Files;

/// <summary>Reads normalizers, and the patterns that other parts use too.</summary>
internal static class NormalizerReader
{
    public static TextNormalizer Read(JsonField field)
    {
        string type = field.Object()["type"].String();
        return type switch
        {
            "NFC" => new UnicodeFormNormalizer(NormalizationForm.FormC),
            "NFD" => new UnicodeFormNormalizer(NormalizationForm.FormD),
            "NFKC" => new UnicodeFormNormalizer(NormalizationForm.FormKC),
            "NFKD" => new UnicodeFormNormalizer(NormalizationForm.FormKD),
            "Lowercase" => new LowercaseNormalizer(),
            "StripAccents" => new StripAccentsNormalizer(),
            "Nmt" => new NmtNormalizer(),
            "ByteLevel" => new ByteLevelNormalizer(),
            "Strip" => new StripNormalizer(field["strip_left"].Bool(), field["strip_right"].Bool()),
            "Prepend" => new PrependNormalizer(field["prepend"].String()),
            "Append" => new AppendNormalizer(field["append"].String()),
            "Replace" => ReadReplace(field),
            "Precompiled" => ReadPrecompiled(field["precompiled_charsmap"]),
            "BertNormalizer" => ReadBert(field),
            "Sequence" => new SequenceNormalizer([.. field["normalizers"].Items().Select(Read)]),
            _ => throw field["type"].Unexpected("a known normalizer (NFC, NFD, NFKC, NFKD, Lowercase, StripAccents, Nmt, ByteLevel, Strip, Prepend, Append, Replace, Precompiled, BertNormalizer, Sequence)"),
        };
    }

    public static ReplaceNormalizer ReadReplace(JsonField field)
    {
        string content = field["content"].String();
        return ReadPattern(field["pattern"], out string? literal) is { } pattern
            ? new ReplaceNormalizer(pattern, content)
            : new ReplaceNormalizer(literal!, content);
    }

    /// <summary>A pattern, or null and its text where it is a plain text.</summary>
    public static TokenPattern? ReadPattern(JsonField field, out string? literal)
    {
        field.Object();
        literal = field["String"].OptionalString();
        if (literal is not null)
        {
            return null;
        }

        JsonField expression = field["Regex"];
        if (expression.IsNull)
        {
            throw field.Unexpected("an object with \"String\" or \"Regex\"");
        }

        try
        {
            return new TokenPattern(expression.String());
        }
        catch (PatternSyntaxException exception)
        {
            throw new ModelFormatException(field.File, expression.Path, exception.Message, exception);
        }
    }

    private static PrecompiledNormalizer ReadPrecompiled(JsonField field)
    {
        try
        {
            return new PrecompiledNormalizer(new CharacterMap(Convert.FromBase64String(field.String())));
        }
        catch (FormatException exception)
        {
            throw new ModelFormatException(field.File, field.Path, exception.Message, exception);
        }
    }

    private static BertNormalizer ReadBert(JsonField field)
    {
        bool lowercase = field["lowercase"].OptionalBool(true);
        return new BertNormalizer(
            field["clean_text"].OptionalBool(true),
            field["handle_chinese_chars"].OptionalBool(true),
            field["strip_accents"].OptionalBool(lowercase),
            lowercase);
    }
}
