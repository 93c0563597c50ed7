using System.Collections.Concurrent;
using System.Globalization;
using Moesaic.Models.Unicode;

namespace Moesaic.Models.Tokenizers.Patterns;

/// <summary>Sets behind \p{...} names, POSIX bracket names and the class escapes \s \d \w \h.</summary>
internal static class PropertyNames
{
    private static readonly ConcurrentDictionary<string, CodePointSet> Cache = new();

    private static readonly Dictionary<string, uint> Categories = BuildCategories();

    public static CodePointSet WhiteSpace => Named("whitespace")!;

    public static CodePointSet Digit => Named("nd")!;

    /// <summary>\w as Oniguruma has it: alphabetic characters, marks, decimal digits and connector punctuation.</summary>
    public static CodePointSet Word => Named("word")!;

    public static CodePointSet HexDigit => Named("xdigit")!;

    /// <summary>The set of a name; case, spaces, hyphens and underscores in names do not matter. Null for unknown names.</summary>
    public static CodePointSet? Find(string name)
    {
        string key = Squeeze(name);
        foreach (string prefix in (ReadOnlySpan<string>)["gc=", "generalcategory=", "sc=", "script=", "is"])
        {
            if (key.StartsWith(prefix, StringComparison.Ordinal) && Named(key[prefix.Length..]) is { } set)
            {
                return set;
            }
        }

        return Named(key);
    }

    private static CodePointSet? Named(string key)
    {
        if (Cache.TryGetValue(key, out CodePointSet? known))
        {
            return known;
        }

        return Build(key) is { } set ? Cache.GetOrAdd(key, set) : null;
    }

    private static CodePointSet? Build(string key)
    {
        if (Categories.TryGetValue(key, out uint mask))
        {
            return UnicodeInfo.WithCategories(mask);
        }

        if (UnicodeInfo.FlagProperties.TryGetValue(key, out byte flag))
        {
            return UnicodeInfo.WithFlag(flag);
        }

        switch (key)
        {
            case "any":
                return CodePointSet.All;
            case "assigned":
                return UnicodeInfo.WithCategories(1u << (int)UnicodeCategory.OtherNotAssigned).Complement();
            case "ascii":
                return CodePointSet.OfRange(0, 0x7F);
            case "alnum":
                return Named("alpha")!.Union(Named("nd")!);
            case "blank":
                return Named("zs")!.Union(CodePointSet.OfRange('\t', '\t'));
            case "xdigit" or "asciihexdigit" or "ahex":
                return CodePointSet.OfRange('0', '9').Union(CodePointSet.OfRange('A', 'F')).Union(CodePointSet.OfRange('a', 'f'));
            case "word":
                return Named("alpha")!.Union(Named("m")!).Union(Named("nd")!).Union(Named("pc")!);
            case "punct":
                // Oniguruma counts the ASCII symbols as punctuation under this name, but not under "P".
                return "$+<=>^`|~".Aggregate(Named("p")!, (set, c) => set.Union(CodePointSet.OfRange(c, c)));
            case "graph":
                return WhiteSpace.Union(Named("cc")!).Union(Named("cn")!).Union(Named("cs")!).Complement();
            case "print":
                return Named("graph")!.Union(Named("zs")!);
            default:
                return Script(key);
        }
    }

    private static CodePointSet? Script(string key)
    {
        string[] names = UnicodeTables.ScriptNames;
        for (int i = 0; i < names.Length; i++)
        {
            if (Array.Exists(names[i].Split(' '), name => Squeeze(name) == key))
            {
                return UnicodeTables.Script.Where(value => value == i);
            }
        }

        return null;
    }

    private static string Squeeze(string name) =>
        string.Concat(name.Where(c => c is not (' ' or '-' or '_'))).ToLowerInvariant();

    private static Dictionary<string, uint> BuildCategories()
    {
        string[] shortNames = ["lu", "ll", "lt", "lm", "lo", "mn", "mc", "me", "nd", "nl", "no", "zs", "zl", "zp", "cc", "cf", "cs", "co", "pc", "pd", "ps", "pe", "pi", "pf", "po", "sm", "sc", "sk", "so", "cn"];
        string[] longNames = ["uppercaseletter", "lowercaseletter", "titlecaseletter", "modifierletter", "otherletter", "nonspacingmark", "spacingmark", "enclosingmark", "decimalnumber", "letternumber", "othernumber", "spaceseparator", "lineseparator", "paragraphseparator", "control", "format", "surrogate", "privateuse", "connectorpunctuation", "dashpunctuation", "openpunctuation", "closepunctuation", "initialpunctuation", "finalpunctuation", "otherpunctuation", "mathsymbol", "currencysymbol", "modifiersymbol", "othersymbol", "unassigned"];
        Dictionary<string, uint> result = [];
        for (int i = 0; i < shortNames.Length; i++)
        {
            result[shortNames[i]] = result[longNames[i]] = 1u << i;
            string major = shortNames[i][..1];
            result[major] = result.GetValueOrDefault(major) | 1u << i;
        }

        result["letter"] = result["l"];
        result["mark"] = result["combiningmark"] = result["m"];
        result["number"] = result["n"];
        result["punctuation"] = result["p"];
        result["symbol"] = result["s"];
        result["separator"] = result["z"];
        result["other"] = result["c"];
        result["lc"] = result["l&"] = result["casedletter"] = 0b111;
        result["cntrl"] = result["cc"];
        result["digit"] = result["nd"];
        return result;
    }
}
