using System.Text;

namespace Moesaic.Bindings.Generator;

/// <summary>C names to .NET names: <c>msc_kv_cache_desc</c> becomes <c>MscKvCacheDesc</c>.</summary>
internal static class Naming
{
    private static readonly HashSet<string> Keywords =
    [
        "abstract", "as", "base", "bool", "break", "byte", "case", "catch", "char", "checked", "class", "const", "continue",
        "decimal", "default", "delegate", "do", "double", "else", "enum", "event", "explicit", "extern", "false", "finally",
        "fixed", "float", "for", "foreach", "goto", "if", "implicit", "in", "int", "interface", "internal", "is", "lock",
        "long", "namespace", "new", "null", "object", "operator", "out", "override", "params", "private", "protected",
        "public", "readonly", "ref", "return", "sbyte", "sealed", "short", "sizeof", "stackalloc", "static", "string",
        "struct", "switch", "this", "throw", "true", "try", "typeof", "uint", "ulong", "unchecked", "unsafe", "ushort",
        "using", "virtual", "void", "volatile", "while",
    ];

    /// <summary>Types, functions, fields, constants. An underscore stays where it parts two digits (<c>Q4_0</c>).</summary>
    public static string Pascal(string name)
    {
        StringBuilder result = new();
        foreach (string word in name.Split('_', StringSplitOptions.RemoveEmptyEntries))
        {
            if (result.Length > 0 && char.IsAsciiDigit(result[^1]) && char.IsAsciiDigit(word[0]))
            {
                result.Append('_');
            }

            result.Append(char.ToUpperInvariant(word[0])).Append(word[1..].ToLowerInvariant());
        }

        return result.ToString();
    }

    /// <summary>Parameters; C# keywords are escaped.</summary>
    public static string Camel(string name)
    {
        string pascal = Pascal(name);
        string camel = char.ToLowerInvariant(pascal[0]) + pascal[1..];
        return Keywords.Contains(camel) ? "@" + camel : camel;
    }

    /// <summary>An enumerator without the name of its enum: <c>MSC_FILE_ADVICE_WILL_NEED</c> of <c>msc_file_advice</c> is <c>WillNeed</c>.</summary>
    public static string EnumMember(string enumName, string memberName)
    {
        string prefix = enumName.ToUpperInvariant() + "_";
        if (!memberName.StartsWith(prefix, StringComparison.Ordinal) || memberName.Length == prefix.Length)
        {
            throw new GeneratorException($"Enumerator {memberName} of {enumName} must start with {prefix}.");
        }

        string name = Pascal(memberName[prefix.Length..]);
        return char.IsAsciiDigit(name[0]) ? "_" + name : name;
    }
}
