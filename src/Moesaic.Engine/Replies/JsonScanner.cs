namespace Moesaic.Engine;

/// <summary>
/// Checks one JSON object or array, which comes character by character, and knows where it ends. Takes exactly what RFC 8259
/// allows, nested up to <see cref="MaxDepth"/> levels.
/// </summary>
internal sealed class JsonScanner
{
    public const int MaxDepth = 128;

    private State _state = State.Begin;
    private State _afterString;
    private UInt128 _arrays; // bit d - 1: whether the container at depth d is an array
    private int _depth;
    private string _word = string.Empty;
    private int _count; // characters seen of a word, or digits of an escape

    private enum State
    {
        Begin, Value, FirstItem, FirstKey, Key, Colon, CommaOrEnd, Text, Escape, Unicode, Word,
        Minus, Zero, Digits, Point, Fraction, Exponent, ExponentSign, ExponentDigits,
    }

    /// <summary>Containers open after the last character.</summary>
    public int Depth => _depth;

    /// <summary>Whether the last character was inside a member's name or ended it.</summary>
    public bool InKey { get; private set; }

    /// <summary>Takes a character: true once the value is complete, null while it goes on, false when this is no JSON.</summary>
    public bool? Feed(char c)
    {
        switch (_state)
        {
            case State.Text:
                if (c == '"')
                {
                    _state = _afterString;
                }
                else if (c == '\\')
                {
                    _state = State.Escape;
                }

                return c < ' ' ? false : null;
            case State.Escape:
                _state = c == 'u' ? State.Unicode : State.Text;
                _count = 0;
                return "\"\\/bfnrtu".Contains(c) ? null : false;
            case State.Unicode:
                _state = ++_count == 4 ? State.Text : State.Unicode;
                return char.IsAsciiHexDigit(c) ? null : false;
            case State.Word:
                _state = _count + 1 == _word.Length ? State.CommaOrEnd : State.Word;
                return _word[_count++] == c ? null : false;
            case >= State.Minus when ContinuesNumber(c):
                return null;
            case State.Zero or State.Digits or State.Fraction or State.ExponentDigits:
                _state = State.CommaOrEnd;
                break;
            case >= State.Minus:
                return false;
        }

        return c is ' ' or '\t' or '\n' or '\r' && _state != State.Begin ? null : Structure(c);
    }

    private bool? Structure(char c)
    {
        switch (_state)
        {
            case State.FirstItem when c == ']':
            case State.FirstKey when c == '}':
            case State.CommaOrEnd when c == (InArray ? ']' : '}'):
                _state = State.CommaOrEnd;
                InKey = false;
                return --_depth == 0 ? true : null;
            case State.CommaOrEnd when c == ',':
                _state = InArray ? State.Value : State.Key;
                return null;
            case State.FirstKey or State.Key when c == '"':
                InKey = true;
                Open(State.Colon);
                return null;
            case State.Colon when c == ':':
                InKey = false;
                _state = State.Value;
                return null;
            case State.Begin when c is '{' or '[':
            case State.Value or State.FirstItem:
                return BeginValue(c);
            default:
                return false;
        }
    }

    private bool InArray => ((_arrays >> (_depth - 1)) & 1) != 0;

    private bool? BeginValue(char c)
    {
        switch (c)
        {
            case '{' or '[' when _depth < MaxDepth:
                UInt128 bit = UInt128.One << _depth++;
                _arrays = c == '[' ? _arrays | bit : _arrays & ~bit;
                _state = c == '[' ? State.FirstItem : State.FirstKey;
                return null;
            case '"':
                Open(State.CommaOrEnd);
                return null;
            case 't' or 'f' or 'n':
                _word = c == 't' ? "true" : c == 'f' ? "false" : "null";
                _count = 1;
                _state = State.Word;
                return null;
            case '-':
                _state = State.Minus;
                return null;
            case '0':
                _state = State.Zero;
                return null;
            case >= '1' and <= '9':
                _state = State.Digits;
                return null;
            default:
                return false;
        }
    }

    private void Open(State after)
    {
        _afterString = after;
        _state = State.Text;
    }

    private bool ContinuesNumber(char c)
    {
        bool digit = char.IsAsciiDigit(c);
        State next = _state switch
        {
            State.Minus when c == '0' => State.Zero,
            State.Minus or State.Digits when digit => State.Digits,
            State.Zero or State.Digits when c == '.' => State.Point,
            State.Point or State.Fraction when digit => State.Fraction,
            State.Zero or State.Digits or State.Fraction when c is 'e' or 'E' => State.Exponent,
            State.Exponent when c is '+' or '-' => State.ExponentSign,
            State.Exponent or State.ExponentSign or State.ExponentDigits when digit => State.ExponentDigits,
            _ => State.Begin,
        };
        if (next == State.Begin)
        {
            return false;
        }

        _state = next;
        return true;
    }
}
