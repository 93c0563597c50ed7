using Moesaic.Models.Unicode;

namespace Moesaic.Models.Tokenizers.Patterns;

/// <summary>
/// Reads patterns in the syntax that tokenizer files use (Oniguruma's own): alternation, groups, flags, classes with nesting
/// and intersection, greedy, lazy and possessive repetition, lookaround, anchors.
/// </summary>
/// <remarks>Refused by name: back references, subexpression calls, conditionals, absent groups, \K, \G, \X.</remarks>
internal sealed class PatternParser
{
    private const int MaxDepth = 200;
    private const int MaxRepeat = 100_000;

    private readonly PatternScanner _scanner;
    private readonly ClassParser _classes;
    private readonly bool _endOfLineIsEndOfText;

    private PatternParser(string pattern, bool endOfLineIsEndOfText)
    {
        _scanner = new PatternScanner(pattern);
        _classes = new ClassParser(_scanner);
        _endOfLineIsEndOfText = endOfLineIsEndOfText;
    }

    [Flags]
    private enum Options
    {
        None = 0,
        IgnoreCase = 1,
        DotAll = 2,
        Extended = 4,
    }

    /// <summary>Parses a whole pattern.</summary>
    /// <param name="pattern">The pattern.</param>
    /// <param name="endOfLineIsEndOfText">Whether ^ and $ mean the ends of the text only, not those of lines.</param>
    /// <exception cref="PatternSyntaxException">It cannot be read.</exception>
    public static PatternNode Parse(string pattern, bool endOfLineIsEndOfText)
    {
        PatternParser parser = new(pattern, endOfLineIsEndOfText);
        PatternNode node = parser.ParseAlternation(Options.None, 0);
        return parser._scanner.AtEnd ? node : throw parser._scanner.Error("')' without its '('");
    }

    private PatternNode ParseAlternation(Options options, int depth)
    {
        if (depth > MaxDepth)
        {
            throw _scanner.Error($"groups nest deeper than {MaxDepth}");
        }

        List<PatternNode> choices = [ParseSequence(options, depth)];
        while (_scanner.TryTake('|'))
        {
            choices.Add(ParseSequence(options, depth));
        }

        return choices.Count == 1 ? choices[0] : new PatternNode.Alternation(choices);
    }

    private PatternNode ParseSequence(Options options, int depth)
    {
        List<PatternNode> parts = [];
        while (_scanner.Peek is not (-1 or '|' or ')'))
        {
            if ((options & Options.Extended) != 0 && SkipExtended())
            {
                continue;
            }

            if (ParseAtom(options, depth) is not { } atom)
            {
                continue;
            }

            parts.Add(ParseRepeats(atom, options));
        }

        return parts.Count == 1 ? parts[0] : new PatternNode.Sequence(parts);
    }

    private bool SkipExtended()
    {
        if (_scanner.Peek is ' ' or (>= '\t' and <= '\r'))
        {
            _scanner.Take();
            return true;
        }

        if (_scanner.Peek != '#')
        {
            return false;
        }

        while (!_scanner.AtEnd && _scanner.Take() != '\n')
        {
        }

        return true;
    }

    // Null for things that match nothing by themselves, such as comments.
    private PatternNode? ParseAtom(Options options, int depth)
    {
        int next = _scanner.Take();
        switch (next)
        {
            case '(':
                return ParseGroup(options, depth);
            case '[':
                return new PatternNode.Set(_classes.ParseClass((options & Options.IgnoreCase) != 0));
            case '.':
                return new PatternNode.Set((options & Options.DotAll) != 0 ? CodePointSet.All : CodePointSet.OfRange('\n', '\n').Complement());
            case '^':
                return new PatternNode.Anchor(_endOfLineIsEndOfText ? AnchorKind.TextStart : AnchorKind.LineStart);
            case '$':
                return new PatternNode.Anchor(_endOfLineIsEndOfText ? AnchorKind.TextEnd : AnchorKind.LineEnd);
            case '\\':
                return ParseBackslash(options);
            case '*' or '+' or '?':
                throw _scanner.Error($"'{(char)next}' has nothing to repeat", _scanner.Position - 1);
            default:
                return Literal(next, options);
        }
    }

    private static PatternNode.Set Literal(int codePoint, Options options)
    {
        CodePointSet set = CodePointSet.OfRange(codePoint, codePoint);
        return new PatternNode.Set((options & Options.IgnoreCase) != 0 ? CaseMapping.CloseOverCase(set) : set);
    }

    private PatternNode ParseBackslash(Options options)
    {
        switch (_scanner.Peek)
        {
            case 'b':
                _scanner.Take();
                return new PatternNode.Anchor(AnchorKind.WordBorder);
            case 'B':
                _scanner.Take();
                return new PatternNode.Anchor(AnchorKind.NoWordBorder);
            case 'A':
                _scanner.Take();
                return new PatternNode.Anchor(AnchorKind.TextStart);
            case 'z':
                _scanner.Take();
                return new PatternNode.Anchor(AnchorKind.TextEnd);
            case 'Z':
                _scanner.Take();
                return new PatternNode.Anchor(AnchorKind.TextEndOrLastNewline);
            case 'R':
                _scanner.Take();
                CodePointSet breaks = CodePointSet.OfRange('\n', '\r').Union(CodePointSet.OfRange(0x85, 0x85)).Union(CodePointSet.OfRange(0x2028, 0x2029));
                PatternNode pair = new PatternNode.Sequence([Literal('\r', Options.None), Literal('\n', Options.None)]);
                return new PatternNode.Atomic(new PatternNode.Alternation([pair, new PatternNode.Set(breaks)]));
            default:
                int codePoint = _classes.ParseEscape(inClass: false, out CodePointSet? set);
                return set is null ? Literal(codePoint, options) : new PatternNode.Set(set);
        }
    }

    private PatternNode? ParseGroup(Options options, int depth)
    {
        int at = _scanner.Position;
        if (!_scanner.TryTake('?'))
        {
            return Close(ParseAlternation(options, depth + 1), at);
        }

        int kind = _scanner.Take();
        switch (kind)
        {
            case ':':
                return Close(ParseAlternation(options, depth + 1), at);
            case '=' or '!':
                return new PatternNode.Look(Close(ParseAlternation(options, depth + 1), at), false, kind == '!');
            case '>':
                return new PatternNode.Atomic(Close(ParseAlternation(options, depth + 1), at));
            case '#':
                while (_scanner.Take() != ')')
                {
                }

                return null;
            case '<' when _scanner.Peek is '=' or '!':
                bool negative = _scanner.Take() == '!';
                return new PatternNode.Look(Close(ParseAlternation(options, depth + 1), at), true, negative);
            case '<' or '\'' or 'P':
                SkipName(kind, at);
                return Close(ParseAlternation(options, depth + 1), at);
            default:
                _scanner.Position--;
                return ParseFlags(options, depth, at);
        }
    }

    private void SkipName(int kind, int at)
    {
        if (kind == 'P' && !_scanner.TryTake('<'))
        {
            throw _scanner.Error("this kind of group is not supported", at);
        }

        int end = kind == '\'' ? '\'' : '>';
        while (_scanner.Take() is int c && c != end)
        {
            if (c is '(' or ')')
            {
                throw _scanner.Error("a group name is not closed", at);
            }
        }
    }

    // (?i-m:...) has its own extent; (?i) holds to the end of the group it stands in, alternatives included.
    private PatternNode ParseFlags(Options options, int depth, int at)
    {
        bool on = true;
        while (true)
        {
            int flag = _scanner.Take();
            Options change = flag switch
            {
                'i' => Options.IgnoreCase,
                'm' or 's' => Options.DotAll,
                'x' => Options.Extended,
                _ => Options.None,
            };
            if (change != Options.None)
            {
                options = on ? options | change : options & ~change;
            }
            else if (flag == '-')
            {
                on = false;
            }
            else if (flag == ':')
            {
                return Close(ParseAlternation(options, depth + 1), at);
            }
            else if (flag == ')')
            {
                return ParseAlternation(options, depth + 1);
            }
            else
            {
                throw _scanner.Error($"'(?{(flag < 128 ? (char)flag : '?')}': this kind of group or flag is not supported", at);
            }
        }
    }

    private PatternNode Close(PatternNode node, int at) => _scanner.TryTake(')') ? node : throw _scanner.Error("'(' without its ')'", at);

    private PatternNode ParseRepeats(PatternNode atom, Options options)
    {
        for (int count = 0; ; count++)
        {
            if ((options & Options.Extended) != 0)
            {
                while (SkipExtended())
                {
                }
            }

            if (!TryParseRepeat(out int min, out int max, out bool interval))
            {
                return atom;
            }

            if (count >= 20)
            {
                throw _scanner.Error("too many repetitions after one another");
            }

            RepeatKind kind = RepeatKind.Greedy;
            if (_scanner.Peek == '?')
            {
                // After {n} a question mark makes the whole optional instead of lazy.
                if (!(interval && min == max))
                {
                    _scanner.Take();
                    kind = RepeatKind.Lazy;
                }
            }
            else if (_scanner.Peek == '+' && !interval)
            {
                _scanner.Take();
                kind = RepeatKind.Possessive;
            }

            atom = new PatternNode.Repeat(atom, min, max, kind);
        }
    }

    private bool TryParseRepeat(out int min, out int max, out bool interval)
    {
        (min, max, interval) = (0, -1, false);
        switch (_scanner.Peek)
        {
            case '*':
                _scanner.Take();
                return true;
            case '+':
                _scanner.Take();
                min = 1;
                return true;
            case '?':
                _scanner.Take();
                max = 1;
                return true;
            case '{':
                interval = true;
                return TryParseInterval(out min, out max);
            default:
                return false;
        }
    }

    // {n}, {n,}, {n,m}, {,m}; anything else leaves the brace to be a literal.
    private bool TryParseInterval(out int min, out int max)
    {
        int mark = _scanner.Position;
        _scanner.Take();
        int first = ParseNumber();
        bool comma = _scanner.TryTake(',');
        int second = comma ? ParseNumber() : first;
        (min, max) = (Math.Max(first, 0), second);
        if (!_scanner.TryTake('}') || (first < 0 && second < 0))
        {
            _scanner.Position = mark;
            return false;
        }

        if (min > MaxRepeat || max > MaxRepeat)
        {
            throw _scanner.Error($"more than {MaxRepeat} repetitions", mark);
        }

        if (max >= 0 && max < min)
        {
            throw _scanner.Error($"repetition {{{min},{max}}} is empty", mark);
        }

        return true;
    }

    private int ParseNumber()
    {
        int value = -1;
        while (_scanner.Peek is >= '0' and <= '9')
        {
            value = Math.Min((Math.Max(value, 0) * 10) + (_scanner.Take() - '0'), MaxRepeat + 1);
        }

        return value;
    }
}
