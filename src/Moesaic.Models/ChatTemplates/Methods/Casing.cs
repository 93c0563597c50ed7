using System.Text;
using Moesaic.Models.ChatTemplates.Values;

namespace Moesaic.Models.ChatTemplates.Methods;

/// <summary>
/// Upper, lower and title case with the mappings of Unicode's SpecialCasing that change a text's length, which .NET's
/// invariant casing leaves out.
/// </summary>
internal static class Casing
{
    private const int Sigma = 0x3A3;

    /// <summary>Upper and title case of the characters that have several there, and of two that .NET keeps for Turkish's sake.</summary>
    private static readonly Dictionary<string, (string Upper, string Title)> Expanding = new()
    {
        ["\u0131"] = ("I", "I"),
        ["\u017F"] = ("S", "S"),
        ["\u00DF"] = ("\u0053\u0053", "\u0053\u0073"),
        ["\u0149"] = ("\u02BC\u004E", "\u02BC\u004E"),
        ["\u01F0"] = ("\u004A\u030C", "\u004A\u030C"),
        ["\u0390"] = ("\u0399\u0308\u0301", "\u0399\u0308\u0301"),
        ["\u03B0"] = ("\u03A5\u0308\u0301", "\u03A5\u0308\u0301"),
        ["\u0587"] = ("\u0535\u0552", "\u0535\u0582"),
        ["\u1E96"] = ("\u0048\u0331", "\u0048\u0331"),
        ["\u1E97"] = ("\u0054\u0308", "\u0054\u0308"),
        ["\u1E98"] = ("\u0057\u030A", "\u0057\u030A"),
        ["\u1E99"] = ("\u0059\u030A", "\u0059\u030A"),
        ["\u1E9A"] = ("\u0041\u02BE", "\u0041\u02BE"),
        ["\u1F50"] = ("\u03A5\u0313", "\u03A5\u0313"),
        ["\u1F52"] = ("\u03A5\u0313\u0300", "\u03A5\u0313\u0300"),
        ["\u1F54"] = ("\u03A5\u0313\u0301", "\u03A5\u0313\u0301"),
        ["\u1F56"] = ("\u03A5\u0313\u0342", "\u03A5\u0313\u0342"),
        ["\u1F80"] = ("\u1F08\u0399", "\u1F88"),
        ["\u1F81"] = ("\u1F09\u0399", "\u1F89"),
        ["\u1F82"] = ("\u1F0A\u0399", "\u1F8A"),
        ["\u1F83"] = ("\u1F0B\u0399", "\u1F8B"),
        ["\u1F84"] = ("\u1F0C\u0399", "\u1F8C"),
        ["\u1F85"] = ("\u1F0D\u0399", "\u1F8D"),
        ["\u1F86"] = ("\u1F0E\u0399", "\u1F8E"),
        ["\u1F87"] = ("\u1F0F\u0399", "\u1F8F"),
        ["\u1F88"] = ("\u1F08\u0399", "\u1F88"),
        ["\u1F89"] = ("\u1F09\u0399", "\u1F89"),
        ["\u1F8A"] = ("\u1F0A\u0399", "\u1F8A"),
        ["\u1F8B"] = ("\u1F0B\u0399", "\u1F8B"),
        ["\u1F8C"] = ("\u1F0C\u0399", "\u1F8C"),
        ["\u1F8D"] = ("\u1F0D\u0399", "\u1F8D"),
        ["\u1F8E"] = ("\u1F0E\u0399", "\u1F8E"),
        ["\u1F8F"] = ("\u1F0F\u0399", "\u1F8F"),
        ["\u1F90"] = ("\u1F28\u0399", "\u1F98"),
        ["\u1F91"] = ("\u1F29\u0399", "\u1F99"),
        ["\u1F92"] = ("\u1F2A\u0399", "\u1F9A"),
        ["\u1F93"] = ("\u1F2B\u0399", "\u1F9B"),
        ["\u1F94"] = ("\u1F2C\u0399", "\u1F9C"),
        ["\u1F95"] = ("\u1F2D\u0399", "\u1F9D"),
        ["\u1F96"] = ("\u1F2E\u0399", "\u1F9E"),
        ["\u1F97"] = ("\u1F2F\u0399", "\u1F9F"),
        ["\u1F98"] = ("\u1F28\u0399", "\u1F98"),
        ["\u1F99"] = ("\u1F29\u0399", "\u1F99"),
        ["\u1F9A"] = ("\u1F2A\u0399", "\u1F9A"),
        ["\u1F9B"] = ("\u1F2B\u0399", "\u1F9B"),
        ["\u1F9C"] = ("\u1F2C\u0399", "\u1F9C"),
        ["\u1F9D"] = ("\u1F2D\u0399", "\u1F9D"),
        ["\u1F9E"] = ("\u1F2E\u0399", "\u1F9E"),
        ["\u1F9F"] = ("\u1F2F\u0399", "\u1F9F"),
        ["\u1FA0"] = ("\u1F68\u0399", "\u1FA8"),
        ["\u1FA1"] = ("\u1F69\u0399", "\u1FA9"),
        ["\u1FA2"] = ("\u1F6A\u0399", "\u1FAA"),
        ["\u1FA3"] = ("\u1F6B\u0399", "\u1FAB"),
        ["\u1FA4"] = ("\u1F6C\u0399", "\u1FAC"),
        ["\u1FA5"] = ("\u1F6D\u0399", "\u1FAD"),
        ["\u1FA6"] = ("\u1F6E\u0399", "\u1FAE"),
        ["\u1FA7"] = ("\u1F6F\u0399", "\u1FAF"),
        ["\u1FA8"] = ("\u1F68\u0399", "\u1FA8"),
        ["\u1FA9"] = ("\u1F69\u0399", "\u1FA9"),
        ["\u1FAA"] = ("\u1F6A\u0399", "\u1FAA"),
        ["\u1FAB"] = ("\u1F6B\u0399", "\u1FAB"),
        ["\u1FAC"] = ("\u1F6C\u0399", "\u1FAC"),
        ["\u1FAD"] = ("\u1F6D\u0399", "\u1FAD"),
        ["\u1FAE"] = ("\u1F6E\u0399", "\u1FAE"),
        ["\u1FAF"] = ("\u1F6F\u0399", "\u1FAF"),
        ["\u1FB2"] = ("\u1FBA\u0399", "\u1FBA\u0345"),
        ["\u1FB3"] = ("\u0391\u0399", "\u1FBC"),
        ["\u1FB4"] = ("\u0386\u0399", "\u0386\u0345"),
        ["\u1FB6"] = ("\u0391\u0342", "\u0391\u0342"),
        ["\u1FB7"] = ("\u0391\u0342\u0399", "\u0391\u0342\u0345"),
        ["\u1FBC"] = ("\u0391\u0399", "\u1FBC"),
        ["\u1FC2"] = ("\u1FCA\u0399", "\u1FCA\u0345"),
        ["\u1FC3"] = ("\u0397\u0399", "\u1FCC"),
        ["\u1FC4"] = ("\u0389\u0399", "\u0389\u0345"),
        ["\u1FC6"] = ("\u0397\u0342", "\u0397\u0342"),
        ["\u1FC7"] = ("\u0397\u0342\u0399", "\u0397\u0342\u0345"),
        ["\u1FCC"] = ("\u0397\u0399", "\u1FCC"),
        ["\u1FD2"] = ("\u0399\u0308\u0300", "\u0399\u0308\u0300"),
        ["\u1FD3"] = ("\u0399\u0308\u0301", "\u0399\u0308\u0301"),
        ["\u1FD6"] = ("\u0399\u0342", "\u0399\u0342"),
        ["\u1FD7"] = ("\u0399\u0308\u0342", "\u0399\u0308\u0342"),
        ["\u1FE2"] = ("\u03A5\u0308\u0300", "\u03A5\u0308\u0300"),
        ["\u1FE3"] = ("\u03A5\u0308\u0301", "\u03A5\u0308\u0301"),
        ["\u1FE4"] = ("\u03A1\u0313", "\u03A1\u0313"),
        ["\u1FE6"] = ("\u03A5\u0342", "\u03A5\u0342"),
        ["\u1FE7"] = ("\u03A5\u0308\u0342", "\u03A5\u0308\u0342"),
        ["\u1FF2"] = ("\u1FFA\u0399", "\u1FFA\u0345"),
        ["\u1FF3"] = ("\u03A9\u0399", "\u1FFC"),
        ["\u1FF4"] = ("\u038F\u0399", "\u038F\u0345"),
        ["\u1FF6"] = ("\u03A9\u0342", "\u03A9\u0342"),
        ["\u1FF7"] = ("\u03A9\u0342\u0399", "\u03A9\u0342\u0345"),
        ["\u1FFC"] = ("\u03A9\u0399", "\u1FFC"),
        ["\uFB00"] = ("\u0046\u0046", "\u0046\u0066"),
        ["\uFB01"] = ("\u0046\u0049", "\u0046\u0069"),
        ["\uFB02"] = ("\u0046\u004C", "\u0046\u006C"),
        ["\uFB03"] = ("\u0046\u0046\u0049", "\u0046\u0066\u0069"),
        ["\uFB04"] = ("\u0046\u0046\u004C", "\u0046\u0066\u006C"),
        ["\uFB05"] = ("\u0053\u0054", "\u0053\u0074"),
        ["\uFB06"] = ("\u0053\u0054", "\u0053\u0074"),
        ["\uFB13"] = ("\u0544\u0546", "\u0544\u0576"),
        ["\uFB14"] = ("\u0544\u0535", "\u0544\u0565"),
        ["\uFB15"] = ("\u0544\u053B", "\u0544\u056B"),
        ["\uFB16"] = ("\u054E\u0546", "\u054E\u0576"),
        ["\uFB17"] = ("\u0544\u053D", "\u0544\u056D"),
    };

    public static string Upper(string text) => Map(text, static (output, text, offset) => AppendUpper(output, text, offset));

    public static string Lower(string text) => Map(text, AppendLower);

    /// <summary>str.capitalize: the first character in title case, the rest in lower case.</summary>
    public static string Capitalize(string text) => Map(text, static (output, text, offset) =>
    {
        if (offset == 0)
        {
            AppendTitle(output, text, offset);
        }
        else
        {
            AppendLower(output, text, offset);
        }
    });

    /// <summary>str.title: every run of letters starts in title case.</summary>
    public static string Title(string text)
    {
        bool afterCased = false;
        return Map(text, (output, source, offset) =>
        {
            if (afterCased)
            {
                AppendLower(output, source, offset);
            }
            else
            {
                AppendTitle(output, source, offset);
            }

            afterCased = CharacterClasses.IsCased(CodePoints.At(source, offset));
        });
    }

    public static string SwapCase(string text) => Map(text, static (output, text, offset) =>
    {
        int c = CodePoints.At(text, offset);
        if (CharacterClasses.IsUpper(c))
        {
            AppendLower(output, text, offset);
        }
        else if (CharacterClasses.IsLower(c))
        {
            AppendUpper(output, text, offset);
        }
        else
        {
            output.Append(text, offset, CodePoints.LengthAt(text, offset));
        }
    });

    /// <summary>str.casefold, by way of upper case and without the rule for final sigma.</summary>
    public static string Fold(string text)
    {
        StringBuilder folded = new(text.Length);
        foreach (int c in CodePoints.Each(Upper(text)))
        {
            folded.Append(Simple(c, Rune.ToLowerInvariant));
        }

        return folded.ToString();
    }

    private static string Map(string text, Action<StringBuilder, string, int> append)
    {
        StringBuilder output = new(text.Length);
        for (int offset = 0; offset < text.Length; offset += CodePoints.LengthAt(text, offset))
        {
            append(output, text, offset);
        }

        return output.ToString();
    }

    private static void AppendUpper(StringBuilder output, string text, int offset)
    {
        char c = text[offset];
        if (char.IsAscii(c))
        {
            output.Append(char.ToUpperInvariant(c));
        }
        else
        {
            output.Append(Expanding.TryGetValue(c.ToString(), out (string Upper, string Title) mapping)
                ? mapping.Upper
                : Simple(CodePoints.At(text, offset), Rune.ToUpperInvariant));
        }
    }

    private static void AppendTitle(StringBuilder output, string text, int offset)
    {
        char c = text[offset];
        if (Expanding.TryGetValue(c.ToString(), out (string Upper, string Title) mapping))
        {
            output.Append(mapping.Title);
        }
        else if (c is (>= '\u01C4' and <= '\u01CC') or (>= '\u01F1' and <= '\u01F3'))
        {
            // The digraphs DZ, LJ and NJ have a title case of their own, in the middle of three.
            output.Append((char)(c >= '\u01F1' ? 0x1F2 : 0x1C5 + ((c - 0x1C4) / 3 * 3)));
        }
        else if (c is >= '\u10D0' and <= '\u10FF')
        {
            // Georgian letters stay as they are in a title.
            output.Append(c);
        }
        else
        {
            AppendUpper(output, text, offset);
        }
    }

    private static void AppendLower(StringBuilder output, string text, int offset)
    {
        int c = CodePoints.At(text, offset);
        _ = c switch
        {
            < 128 => output.Append(char.ToLowerInvariant((char)c)),
            0x130 => output.Append("i\u0307"),
            Sigma => output.Append(IsFinal(text, offset) ? '\u03C2' : '\u03C3'),
            _ => output.Append(Simple(c, Rune.ToLowerInvariant)),
        };
    }

    /// <summary>A sigma after a letter and before none, marks and apostrophes aside.</summary>
    private static bool IsFinal(string text, int offset)
    {
        int before = offset - 1;
        while (before >= 0 && CharacterClasses.IsCaseIgnorable(text[before]))
        {
            before--;
        }

        int after = offset + 1;
        while (after < text.Length && CharacterClasses.IsCaseIgnorable(text[after]))
        {
            after++;
        }

        return before >= 0 && CharacterClasses.IsCased(text[before])
            && !(after < text.Length && CharacterClasses.IsCased(CodePoints.At(text, after)));
    }

    private static string Simple(int codePoint, Func<Rune, Rune> map) =>
        Rune.TryCreate(codePoint, out Rune rune) ? map(rune).ToString() : ((char)codePoint).ToString();
}
