using System.Text;

namespace Moesaic.Engine;

/// <summary>
/// Gathers a reply's parts. White space at the border of text and markers belongs to the format and is dropped, so the end of a
/// text is held back while it may still turn out to stand before a marker.
/// </summary>
internal sealed class ReplyParts(ToolIds ids)
{
    private readonly StringBuilder _text = new();
    private readonly StringBuilder _space = new();
    private ReplyPartKind _kind = ReplyPartKind.Content;
    private bool _trimsStart;
    private int _numCalls;

    /// <summary>Whether text has come since the beginning or the last marker.</summary>
    public bool HasText { get; private set; }

    /// <summary>Adds text of the current kind.</summary>
    public void Add(ReadOnlySpan<char> text)
    {
        if (_trimsStart && !HasText)
        {
            text = text.TrimStart();
        }

        ReadOnlySpan<char> core = text.TrimEnd();
        if (!core.IsEmpty)
        {
            _text.Append(_space).Append(core);
            _space.Clear();
            HasText = true;
        }

        _space.Append(text[core.Length..]);
    }

    /// <summary>A marker ends the current text; what follows is of the given kind.</summary>
    public void Turn(ReplyPartKind kind, ICollection<ReplyPart> parts)
    {
        Flush(parts);
        _space.Clear();
        _kind = kind;
        _trimsStart = true;
        HasText = false;
    }

    public void AddCall(WrittenCall call, ICollection<ReplyPart> parts)
    {
        Turn(ReplyPartKind.Content, parts);
        int index = _numCalls++;
        parts.Add(new ReplyPart(ReplyPartKind.ToolCallBegin, string.Empty, index, call.Name, ids.Take(call.Id)));
        parts.Add(new ReplyPart(ReplyPartKind.ToolCallArguments, call.Arguments, index));
        parts.Add(new ReplyPart(ReplyPartKind.ToolCallEnd, string.Empty, index));
    }

    /// <summary>Gives out the text that is certain.</summary>
    public void Flush(ICollection<ReplyPart> parts)
    {
        if (_text.Length > 0)
        {
            parts.Add(new ReplyPart(_kind, _text.ToString()));
            _text.Clear();
        }
    }

    /// <summary>The reply has ended: no marker follows.</summary>
    public void Finish(ICollection<ReplyPart> parts)
    {
        _text.Append(_space);
        _space.Clear();
        Flush(parts);
    }
}
