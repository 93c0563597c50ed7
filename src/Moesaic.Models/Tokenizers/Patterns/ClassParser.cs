using Moesaic.Models.Unicode;

namespace Moesaic.Models.Tokenizers.Patterns;

/// <summary>The parts of pattern syntax that stand for one character: bracket classes, escapes and properties.</summary>
internal sealed class ClassParser(PatternScanner scanner)
{
    private const int MaxDepth = 50;

    /// <summary>A bracket class; the scanner stands after its opening bracket.</summary>
    public CodePointSet ParseClass(bool ignoreCase, int depth = 0)
    {
        if (depth > MaxDepth)
        {
            throw scanner.Error($"classes nest deeper than {MaxDepth}");
        }

        bool negated = scanner.TryTake('^');
        CodePointSet? intersection = null;
        CodePointSet.Builder current = new();
        bool first = true;
        for (; ; first = false)
        {
            if (scanner.AtEnd)
            {
                throw scanner.Error("a class is not closed by ']'");
            }

            if (scanner.Peek == ']' && !(first && scanner.Contains(']', 1)))
            {
                scanner.Take();
                break;
            }

            if (scanner.TryTake("&&"))
            {
                CodePointSet left = Finish(current, ignoreCase);
                intersection = intersection is null ? left : intersection.Intersect(left);
                current = new CodePointSet.Builder();
                continue;
            }

            if (!first && scanner.Peek == ']')
            {
                continue;
            }

            ParseItem(current, ignoreCase, depth);
        }

        CodePointSet result = Finish(current, ignoreCase);
        result = intersection is null ? result : intersection.Intersect(result);
        return negated ? result.Complement() : result;
    }

    /// <summary>What follows a backslash that is not an anchor: either one code point, or a set (then the result is -1).</summary>
    public int ParseEscape(bool inClass, out CodePointSet? set)
    {
        set = null;
        int at = scanner.Position;
        int letter = scanner.Take();
        switch (letter)
        {
            case 's' or 'S':
                set = Maybe(PropertyNames.WhiteSpace, letter == 'S');
                return -1;
            case 'd' or 'D':
                set = Maybe(PropertyNames.Digit, letter == 'D');
                return -1;
            case 'w' or 'W':
                set = Maybe(PropertyNames.Word, letter == 'W');
                return -1;
            case 'h' or 'H':
                set = Maybe(PropertyNames.HexDigit, letter == 'H');
                return -1;
            case 'p' or 'P':
                set = ParseProperty(letter == 'P');
                return -1;
            case 'N' when !inClass:
                set = CodePointSet.OfRange('\n', '\n').Complement();
                return -1;
            case 'O' when !inClass:
                set = CodePointSet.All;
                return -1;
            case 't':
                return '\t';
            case 'n':
                return '\n';
            case 'r':
                return '\r';
            case 'f':
                return '\f';
            case 'v':
                return '\v';
            case 'a':
                return 7;
            case 'e':
                return 0x1B;
            case 'b' when inClass:
                return 8;
            case 'x':
                return scanner.TryTake('{') ? ParseBracedHex() : ParseHex(1, 2);
            case 'u':
                return scanner.TryTake('{') ? ParseBracedHex() : ParseHex(4, 4);
            case 'U':
                return ParseHex(8, 8);
            case '0':
                return ParseOctal();
            default:
                if (letter is (>= 'a' and <= 'z') or (>= 'A' and <= 'Z') or (>= '1' and <= '9'))
                {
                    string what = letter is >= '1' and <= '9' or 'k' or 'g' ? "back references and calls are" : "this escape is";
                    throw scanner.Error($"'\\{(char)letter}': {what} not supported", at);
                }

                return letter;
        }
    }

    private static CodePointSet Finish(CodePointSet.Builder builder, bool ignoreCase)
    {
        CodePointSet set = builder.Build();
        return ignoreCase ? CaseMapping.CloseOverCase(set) : set;
    }

    private static CodePointSet Maybe(CodePointSet set, bool negated) => negated ? set.Complement() : set;

    private void ParseItem(CodePointSet.Builder to, bool ignoreCase, int depth)
    {
        if (scanner.Peek == '[')
        {
            if (scanner.TryTake("[:"))
            {
                if (ParsePosix() is { } named)
                {
                    to.Add(named);
                    return;
                }

                // Not a POSIX name: an ordinary nested class that starts with a colon.
                to.Add(ParseClass(ignoreCase, depth + 1));
                return;
            }

            scanner.Take();
            to.Add(ParseClass(ignoreCase, depth + 1));
            return;
        }

        int first = ParseMember(out CodePointSet? set);
        if (set is not null)
        {
            to.Add(set);
            return;
        }

        if (scanner.Peek == '-' && scanner.PeekAt(1) is not (']' or -1) && !scanner.StartsWith("-&&"))
        {
            int mark = scanner.Position;
            scanner.Take();
            if (scanner.Peek == '[')
            {
                scanner.Position = mark;
            }
            else
            {
                int last = ParseMember(out CodePointSet? after);
                if (after is not null)
                {
                    to.Add(first, first);
                    to.Add('-', '-');
                    to.Add(after);
                    return;
                }

                if (last < first)
                {
                    throw scanner.Error($"the range U+{first:X4} to U+{last:X4} is empty", mark);
                }

                to.Add(first, last);
                return;
            }
        }

        to.Add(first, first);
    }

    private int ParseMember(out CodePointSet? set)
    {
        set = null;
        int next = scanner.Take();
        return next == '\\' ? ParseEscape(inClass: true, out set) : next;
    }

    // After "[:": the set of "name:]", or null with the scanner back after the bracket.
    private CodePointSet? ParsePosix()
    {
        int mark = scanner.Position;
        bool negated = scanner.TryTake('^');
        int end = scanner.IndexOf(":]", 20);
        if (end >= 0)
        {
            string name = scanner.TakeUntil(end);
            if (PropertyNames.Find(name) is { } set)
            {
                scanner.TryTake(":]");
                return Maybe(set, negated);
            }
        }

        scanner.Position = mark - 1;
        return null;
    }

    private CodePointSet ParseProperty(bool negated)
    {
        int at = scanner.Position;
        if (!scanner.TryTake('{'))
        {
            throw scanner.Error("a property needs its name in braces, as in \\p{L}");
        }

        negated ^= scanner.TryTake('^');
        int end = scanner.IndexOf("}", 64);
        if (end < 0)
        {
            throw scanner.Error("a property name is not closed by '}'", at);
        }

        string name = scanner.TakeUntil(end);
        scanner.Take();
        CodePointSet set = PropertyNames.Find(name) ?? throw scanner.Error($"'{name}' is not a known property", at);
        return Maybe(set, negated);
    }

    private int ParseBracedHex()
    {
        int at = scanner.Position;
        int end = scanner.IndexOf("}", 9);
        string digits = end < 0 ? "" : scanner.TakeUntil(end);
        if (!int.TryParse(digits, System.Globalization.NumberStyles.AllowHexSpecifier, null, out int value) || value is < 0 or > 0x10FFFF)
        {
            throw scanner.Error($"'{digits}' is not a code point in hexadecimal", at);
        }

        scanner.Take();
        return value;
    }

    private int ParseHex(int least, int most)
    {
        int at = scanner.Position, value = 0, count = 0;
        for (; count < most && scanner.Peek is >= 0 and < 128 && char.IsAsciiHexDigit((char)scanner.Peek); count++)
        {
            value = (value << 4) | Convert.ToInt32(((char)scanner.Take()).ToString(), 16);
        }

        if (count < least || value is < 0 or > 0x10FFFF)
        {
            throw scanner.Error($"an escape needs {least} to {most} hexadecimal digits of a code point", at);
        }

        return value;
    }

    private int ParseOctal()
    {
        int value = 0;
        for (int i = 0; i < 2 && scanner.Peek is >= '0' and <= '7'; i++)
        {
            value = (value * 8) + (scanner.Take() - '0');
        }

        return value;
    }
}
