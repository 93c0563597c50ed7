using System.Globalization;
using System.Text;
using Moesaic.Models.ChatTemplates.Values;

namespace Moesaic.Models.ChatTemplates.Syntax;

/// <summary>Tokens inside one tag, up to and including its end.</summary>
internal sealed class ExpressionLexer(string source, int position, int line, bool isVariable)
{
    private static readonly string[] Operators =
    [
        "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=",
        ".", ":", "|", ",", ";",
    ];

    private readonly Stack<char> _brackets = new();
    private readonly int _opened = line;

    /// <summary>First position after the tag's end.</summary>
    public int Position { get; private set; } = position;

    public int Line { get; private set; } = line;

    /// <summary>The minus or plus before the tag's end, else NUL.</summary>
    public char CloseSign { get; private set; }

    public void Read(List<Token> tokens)
    {
        while (true)
        {
            if (Position >= source.Length)
            {
                throw new SyntaxFault(
                    $"unexpected end of template: the {(isVariable ? "'{{'" : "'{%'")} of line {_opened} is not closed", Line);
            }

            if (_brackets.Count == 0 && TryClose())
            {
                return;
            }

            char c = source[Position];
            if (CodePoints.IsSpace(c))
            {
                Line += c == '\n' ? 1 : 0;
                Position++;
            }
            else if (char.IsAsciiDigit(c))
            {
                tokens.Add(ReadNumber());
            }
            else if (c is '"' or '\'')
            {
                tokens.Add(ReadString(c));
            }
            else if (IsWordStart(out _))
            {
                tokens.Add(ReadName());
            }
            else
            {
                tokens.Add(ReadOperator());
            }
        }
    }

    private bool TryClose()
    {
        string end = isVariable ? "}}" : "%}";
        if (source[Position] == '-' || (source[Position] == '+' && !isVariable))
        {
            if (string.CompareOrdinal(source, Position + 1, end, 0, 2) == 0)
            {
                CloseSign = source[Position];
                Position += 3;
                return true;
            }
        }

        if (string.CompareOrdinal(source, Position, end, 0, 2) == 0)
        {
            Position += 2;
            return true;
        }

        return false;
    }

    private Token ReadNumber()
    {
        int start = Position;
        char second = start + 1 < source.Length ? char.ToLowerInvariant(source[start + 1]) : '\0';
        if (source[start] == '0' && (second is 'x' or 'o' or 'b'))
        {
            Func<char, bool> isDigit = second switch
            {
                'x' => char.IsAsciiHexDigit,
                'o' => static c => c is >= '0' and <= '7',
                _ => static c => c is '0' or '1',
            };
            int end = Digits(start + 2, isDigit, leadingUnderscore: true);
            if (end > start + 2)
            {
                return Number(TokenKind.Integer, start, end);
            }
        }

        int whole = Digits(start, char.IsAsciiDigit, leadingUnderscore: false);
        bool afterDot = start > 0 && source[start - 1] == '.';
        int after = whole;
        if (!afterDot)
        {
            int fraction = after < source.Length && source[after] == '.' ? Digits(after + 1, char.IsAsciiDigit, false) : after;
            if (fraction > after + 1)
            {
                after = fraction;
            }

            after = Exponent(after);
        }

        if (after > whole)
        {
            return Number(TokenKind.Float, start, after);
        }

        // A leading zero is followed by zeros only: 012 is 0 and then 12, which no grammar takes.
        return Number(TokenKind.Integer, start, source[start] == '0' ? Digits(start, static c => c == '0', false) : whole);
    }

    private int Exponent(int position)
    {
        if (position >= source.Length || source[position] is not ('e' or 'E'))
        {
            return position;
        }

        int digits = position + 1;
        if (digits < source.Length && (source[digits] is '+' or '-'))
        {
            digits++;
        }

        int end = Digits(digits, char.IsAsciiDigit, leadingUnderscore: false);
        return end > digits ? end : position;
    }

    /// <summary>End of a run of digits in which single underscores may separate them.</summary>
    private int Digits(int position, Func<char, bool> isDigit, bool leadingUnderscore)
    {
        int end = position;
        bool separator = leadingUnderscore;
        for (int i = position; i < source.Length; i++)
        {
            if (isDigit(source[i]))
            {
                end = i + 1;
                separator = true;
            }
            else if (source[i] == '_' && separator)
            {
                separator = false;
            }
            else
            {
                break;
            }
        }

        return end;
    }

    private Token Number(TokenKind kind, int start, int end)
    {
        Position = end;
        return new Token(kind, source[start..end].Replace("_", "", StringComparison.Ordinal), Line);
    }

    private Token ReadString(char quote)
    {
        int start = Position;
        int firstLine = Line;
        int end = start + 1;
        while (end < source.Length && source[end] != quote)
        {
            end += source[end] == '\\' ? 2 : 1;
        }

        if (end >= source.Length)
        {
            throw new SyntaxFault($"unexpected char {PythonText.Quote(quote.ToString())}: the string is not closed", Line);
        }

        string raw = source[(start + 1)..end];
        Line += raw.AsSpan().Count('\n');
        Position = end + 1;
        return new Token(TokenKind.String, StringLiteral.Unescape(raw, firstLine), firstLine);
    }

    private Token ReadName()
    {
        int start = Position;
        while (Position < source.Length && IsWordStart(out int length))
        {
            Position += length;
        }

        return new Token(TokenKind.Name, source[start..Position], Line);
    }

    private bool IsWordStart(out int length)
    {
        length = 1;
        char c = source[Position];
        if (char.IsAscii(c))
        {
            return char.IsAsciiLetterOrDigit(c) || c == '_';
        }

        if (Rune.DecodeFromUtf16(source.AsSpan(Position), out Rune rune, out length) != System.Buffers.OperationStatus.Done)
        {
            return false;
        }

        return Rune.IsLetterOrDigit(rune) || Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark
            or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.LetterNumber;
    }

    private Token ReadOperator()
    {
        foreach (string symbol in Operators)
        {
            if (string.CompareOrdinal(source, Position, symbol, 0, symbol.Length) == 0)
            {
                Balance(symbol[0]);
                Position += symbol.Length;
                return new Token(TokenKind.Operator, symbol, Line);
            }
        }

        throw new SyntaxFault($"unexpected char {PythonText.Quote(source[Position].ToString())} at {Position}", Line);
    }

    private void Balance(char symbol)
    {
        switch (symbol)
        {
            case '(':
                _brackets.Push(')');
                break;
            case '[':
                _brackets.Push(']');
                break;
            case '{':
                _brackets.Push('}');
                break;
            case ')' or ']' or '}':
                if (!_brackets.TryPop(out char expected))
                {
                    throw new SyntaxFault($"unexpected '{symbol}'", Line);
                }

                if (expected != symbol)
                {
                    throw new SyntaxFault($"unexpected '{symbol}', expected '{expected}'", Line);
                }

                break;
        }
    }
}
