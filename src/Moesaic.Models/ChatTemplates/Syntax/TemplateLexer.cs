using Moesaic.Models.ChatTemplates.Values;

namespace Moesaic.Models.ChatTemplates.Syntax;

/// <summary>
/// Splits a template into data and tags with the white-space rules of trim_blocks and lstrip_blocks, which is how chat
/// templates are rendered: the line end after a block tag goes, and so does the indentation before one; a minus strips
/// all white space on its side, a plus keeps it.
/// </summary>
internal sealed class TemplateLexer
{
    private readonly string _source;
    private readonly List<Token> _tokens = [];
    private int _position;
    private int _line = 1;

    // Whether the text before _position ended a line, so that indentation directly after it may go.
    private bool _lineStarting = true;

    private TemplateLexer(string source) => _source = source;

    public static List<Token> Read(string source)
    {
        source = source.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
        TemplateLexer lexer = new(source.EndsWith('\n') ? source[..^1] : source);
        lexer.ReadAll();
        return lexer._tokens;
    }

    private void ReadAll()
    {
        while (true)
        {
            int tag = FindTag(_position);
            if (tag < 0)
            {
                Emit(TokenKind.Data, _source[_position..], _line);
                _tokens.Add(new Token(TokenKind.End, "", _line));
                return;
            }

            char kind = _source[tag + 1];
            int afterSign = tag + 2;
            char sign = SignAt(afterSign);
            string text = StripBefore(_source[_position..tag], sign, indentation: kind != '{');
            Emit(TokenKind.Data, text, _line);
            MoveTo(tag);
            if (sign != '\0')
            {
                afterSign++;
            }

            switch (kind)
            {
                case '#':
                    ReadComment(afterSign);
                    break;
                case '%' when FindRawBodyStart(tag + 2) is int body and >= 0:
                    ReadRaw(body);
                    break;
                default:
                    ReadTag(afterSign, kind == '{');
                    break;
            }
        }
    }

    private int FindTag(int from)
    {
        for (int i = from; i + 1 < _source.Length; i++)
        {
            if (_source[i] == '{' && (_source[i + 1] is '{' or '%' or '#'))
            {
                return i;
            }
        }

        return -1;
    }

    private char SignAt(int position) =>
        position < _source.Length && (_source[position] is '-' or '+') ? _source[position] : '\0';

    private string StripBefore(string text, char sign, bool indentation)
    {
        if (sign == '-')
        {
            int end = text.Length;
            while (end > 0 && CodePoints.IsSpace(text[end - 1]))
            {
                end--;
            }

            return text[..end];
        }

        if (sign == '+' || !indentation)
        {
            return text;
        }

        int lineStart = text.LastIndexOf('\n') + 1;
        if (lineStart == 0 && !_lineStarting)
        {
            return text;
        }

        for (int i = lineStart; i < text.Length; i++)
        {
            if (!CodePoints.IsSpace(text[i]))
            {
                return text;
            }
        }

        return text[..lineStart];
    }

    private void ReadComment(int from)
    {
        int close = _source.IndexOf("#}", from, StringComparison.Ordinal);
        if (close < 0)
        {
            throw new SyntaxFault("Missing end of comment tag", _line);
        }

        char sign = close > from ? SignAt(close - 1) : '\0';
        FinishTag(close + 2, sign, trimLine: true);
    }

    /// <summary>Where the body of a raw block starts, when the tag at hand opens one; else -1.</summary>
    private int FindRawBodyStart(int position)
    {
        position = SkipSpace(SignAt(position) == '\0' ? position : position + 1);
        if (string.CompareOrdinal(_source, position, "raw", 0, 3) != 0)
        {
            return -1;
        }

        position = SkipSpace(position + 3);
        if (string.CompareOrdinal(_source, position, "-%}", 0, 3) == 0)
        {
            return SkipSpace(position + 3);
        }

        return string.CompareOrdinal(_source, position, "%}", 0, 2) == 0 ? position + 2 : -1;
    }

    private void ReadRaw(int body)
    {
        int opened = _line;
        MoveTo(body);
        for (int tag = body; (tag = _source.IndexOf("{%", tag, StringComparison.Ordinal)) >= 0; tag += 2)
        {
            char sign = SignAt(tag + 2);
            int word = SkipSpace(sign == '\0' ? tag + 2 : tag + 3);
            if (string.CompareOrdinal(_source, word, "endraw", 0, 6) != 0)
            {
                continue;
            }

            int close = SkipSpace(word + 6);
            char closeSign = SignAt(close);
            if (closeSign != '\0')
            {
                close++;
            }

            if (string.CompareOrdinal(_source, close, "%}", 0, 2) == 0)
            {
                Emit(TokenKind.Data, StripBefore(_source[body..tag], sign, indentation: true), _line);
                FinishTag(close + 2, closeSign, trimLine: true);
                return;
            }
        }

        throw new SyntaxFault("Missing end of raw directive", opened);
    }

    private void ReadTag(int from, bool isVariable)
    {
        _tokens.Add(new Token(isVariable ? TokenKind.VariableBegin : TokenKind.BlockBegin, "", _line));
        MoveTo(from);
        ExpressionLexer expression = new(_source, from, _line, isVariable);
        expression.Read(_tokens);
        _tokens.Add(new Token(isVariable ? TokenKind.VariableEnd : TokenKind.BlockEnd, "", expression.Line));
        FinishTag(expression.Position, expression.CloseSign, trimLine: !isVariable);
    }

    private void FinishTag(int end, char sign, bool trimLine)
    {
        if (sign == '-')
        {
            end = SkipSpace(end);
        }
        else if (sign != '+' && trimLine && end < _source.Length && _source[end] == '\n')
        {
            end++;
        }

        MoveTo(end);
    }

    private void MoveTo(int position)
    {
        for (; _position < position; _position++)
        {
            if (_source[_position] == '\n')
            {
                _line++;
            }
        }

        _lineStarting = position == 0 || _source[position - 1] == '\n';
    }

    private int SkipSpace(int position)
    {
        while (position < _source.Length && CodePoints.IsSpace(_source[position]))
        {
            position++;
        }

        return position;
    }

    private void Emit(TokenKind kind, string text, int line)
    {
        if (text.Length > 0)
        {
            _tokens.Add(new Token(kind, text, line));
        }
    }
}
