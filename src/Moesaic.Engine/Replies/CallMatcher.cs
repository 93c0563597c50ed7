using System.Text;

namespace Moesaic.Engine;

/// <summary>Follows one pattern through a reply, character by character. Every character costs the same, however long the call is.</summary>
internal sealed class CallMatcher(CallPattern pattern)
{
    private const int MaxTextLength = 320;

    private readonly StringBuilder _text = new();
    private StringBuilder? _json;
    private JsonScanner? _scanner;
    private int _element;
    private int _position; // characters of the current literal seen
    private string? _name;
    private string? _id;

    /// <summary>The calls, once the pattern is complete.</summary>
    public List<WrittenCall>? Calls { get; private set; }

    /// <summary>Takes a character: true once the pattern is complete, null while it goes on, false when it does not fit.</summary>
    public bool? Feed(char c)
    {
        while (true)
        {
            CallElement element = pattern.Elements[_element];
            switch (element.Kind)
            {
                case CallElementKind.Space when char.IsWhiteSpace(c):
                    return null;
                case CallElementKind.Space:
                    _element++;
                    continue;
                case CallElementKind.Literal:
                    if (element.Text[_position] != c)
                    {
                        return false;
                    }

                    return ++_position == element.Text.Length ? Next() : null;
                case CallElementKind.Name or CallElementKind.Id or CallElementKind.Skipped:
                    return FeedText(element.Kind, c);
                default:
                    return FeedJson(element.Kind, c);
            }
        }
    }

    /// <summary>The reply has ended: true when all that is missing is white space or the closing marker.</summary>
    public bool IsCompleteAtEnd()
    {
        for (int i = _element; Calls is null && i < pattern.Elements.Length; i++)
        {
            CallElement element = pattern.Elements[i];
            bool closes = element.Kind == CallElementKind.Literal && i > 0 && _json is not null;
            if (element.Kind != CallElementKind.Space && !closes)
            {
                return false;
            }
        }

        return Read();
    }

    private bool? Next()
    {
        _element++;
        _position = 0;
        return _element < pattern.Elements.Length ? null : Read();
    }

    private bool Read()
    {
        if (Calls is null && _json is not null)
        {
            bool named = pattern.Elements.Any(static element => element.Kind == CallElementKind.Arguments);
            Calls = named ? [new WrittenCall(_name!, _json.ToString(), _id)] : CallReader.Read(_json.ToString());
        }

        return Calls is not null;
    }

    // The text ends with the first occurrence of the literal that follows it.
    private bool? FeedText(CallElementKind kind, char c)
    {
        string end = pattern.Elements[_element + 1].Text;
        _text.Append(c);
        if (c != end[^1] || !EndsWith(end))
        {
            return _text.Length < MaxTextLength ? null : false;
        }

        string text = _text.ToString(0, _text.Length - end.Length).Trim(' ');
        _text.Clear();
        _element++;
        switch (kind)
        {
            case CallElementKind.Name when !CallReader.IsName(text):
                return false;
            case CallElementKind.Name:
                _name = text;
                break;
            case CallElementKind.Id:
                _id = text;
                break;
        }

        return Next();
    }

    private bool EndsWith(string end)
    {
        int from = _text.Length - end.Length;
        for (int i = 0; from >= 0 && i < end.Length; i++)
        {
            if (_text[from + i] != end[i])
            {
                return false;
            }
        }

        return from >= 0;
    }

    private bool? FeedJson(CallElementKind kind, char c)
    {
        if (_scanner is null)
        {
            if (c != '{' && !(c == '[' && kind == CallElementKind.Calls))
            {
                return false;
            }

            _scanner = new JsonScanner();
            _json = new StringBuilder();
        }

        _json!.Append(c);
        bool wasKey = _scanner.InKey;
        bool? result = _scanner.Feed(c);
        if (result is true)
        {
            return Next();
        }

        return result is null && kind == CallElementKind.Call && pattern.Place != CallPlace.Anywhere && _scanner.Depth == 1 ? CheckKey(c, wasKey) : result;
    }

    // Bare JSON is more often an answer than a call: the first foreign member decides, so that the rest need not be held back.
    private bool? CheckKey(char c, bool wasKey)
    {
        if (!_scanner!.InKey)
        {
            if (wasKey)
            {
                string key = _text.ToString(1, _text.Length - 1).TrimEnd(' ', '\t', '\r', '\n');
                _text.Clear();
                return CallReader.Keys.Contains(key.TrimEnd('"')) ? null : false;
            }

            return null;
        }

        _text.Append(c);
        return _text.Length < MaxTextLength ? null : false;
    }
}
