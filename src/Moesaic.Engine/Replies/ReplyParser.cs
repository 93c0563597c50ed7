using System.Buffers;
using System.Collections.Immutable;
using System.Text;

namespace Moesaic.Engine;

/// <summary>
/// Splits a model's reply, which comes in pieces, into content, thinking and tool calls. However the reply is cut into pieces,
/// the parts joined are the same, and the time is in proportion to the reply's length. A call is given out once it is complete
/// and well-formed; what looked like one and is none stays content, to the last character.
/// </summary>
/// <remarks>One for each reply; not thread-safe.</remarks>
public sealed class ReplyParser
{
    private readonly ImmutableArray<ReplyMarker> _markers;
    private readonly SearchValues<char> _firstCharacters;
    private readonly ReplyParts _parts;
    private readonly StringBuilder _raw = new(); // what the matchers have seen
    private readonly List<CallMatcher> _matchers = [];
    private readonly bool _continues;
    private string _held = string.Empty; // may be the beginning of a marker
    private bool _inReasoning;
    private bool _followsCall;
    private bool _finished;

    internal ReplyParser(ReplyFormat format, ReplyParserOptions options)
    {
        _markers = ReplyMarker.Of(format, options);
        _firstCharacters = SearchValues.Create([.. _markers.Select(static marker => marker.Text[0]).Distinct()]);
        _parts = new ReplyParts(new ToolIds(format.Description.Ids, options.IdSeed));
        KeepsSpecialTokens = format.KeepsSpecialTokens;
        if (options.Reasoning && format.IsThinking(options.PromptTail, options.Continues))
        {
            _parts.Turn(ReplyPartKind.Reasoning, []);
            _inReasoning = true;
        }
        else
        {
            _continues = options.Continues && !string.IsNullOrWhiteSpace(options.PromptTail);
        }
    }

    /// <summary>Whether the text must be decoded with special tokens kept, because the format's markers are among them.</summary>
    public bool KeepsSpecialTokens { get; }

    /// <summary>Takes the next piece of the reply and adds the parts that are certain by now.</summary>
    /// <exception cref="InvalidOperationException">After <see cref="Finish"/>.</exception>
    public void Push(string text, ICollection<ReplyPart> parts)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(parts);
        if (_finished)
        {
            throw new InvalidOperationException("This reply was finished; create a new parser.");
        }

        string all = _held.Length == 0 ? text : _held + text;
        _held = all[Run(all, isLast: false, parts)..];
        _parts.Flush(parts);
    }

    /// <summary>The reply has ended: adds what was held back.</summary>
    public void Finish(ICollection<ReplyPart> parts)
    {
        ArgumentNullException.ThrowIfNull(parts);
        if (_finished)
        {
            return;
        }

        _finished = true;
        Run(_held, isLast: true, parts);
        if (_matchers.Count > 0)
        {
            Settle(_matchers.Find(static matcher => matcher.IsCompleteAtEnd()), parts);
        }

        _parts.Finish(parts);
    }

    /// <summary>Whether nothing of the answer has come since the beginning or the last marker.</summary>
    private bool AtBeginning => !_parts.HasText && (!_continues || _followsCall);

    // Returns how many characters are dealt with; the rest may be the beginning of a marker.
    private int Run(ReadOnlySpan<char> text, bool isLast, ICollection<ReplyPart> parts)
    {
        int at = 0;
        while (at < text.Length)
        {
            if (_matchers.Count > 0)
            {
                at += Match(text[at..], parts);
                continue;
            }

            int used = Scan(text[at..], isLast, parts, out bool isOpen);
            at += used;
            if (isOpen)
            {
                break;
            }
        }

        return at;
    }

    // Takes text up to and including the next marker. isOpen: the text ends in what may be the beginning of one.
    private int Scan(ReadOnlySpan<char> text, bool isLast, ICollection<ReplyPart> parts, out bool isOpen)
    {
        isOpen = false;
        int from = 0, at = 0;
        while (true)
        {
            int next = text[at..].IndexOfAny(_firstCharacters);
            if (next < 0)
            {
                _parts.Add(text[from..]);
                return text.Length;
            }

            at += next;
            _parts.Add(text[from..at]);
            from = at;
            ReplyMarker? marker = Find(text[at..], isLast, out isOpen);
            if (isOpen)
            {
                return at;
            }

            if (marker is not null)
            {
                return at + Enter(marker, parts);
            }

            // No marker begins here: the character is text, and may change what is one further on.
            _parts.Add(text[at..++at]);
            from = at;
        }
    }

    // The longest marker that the text begins with; open when a longer one may still come.
    private ReplyMarker? Find(ReadOnlySpan<char> text, bool isLast, out bool isOpen)
    {
        ReplyMarker? longest = null;
        isOpen = false;
        foreach (ReplyMarker marker in _markers)
        {
            if (marker.Text[0] != text[0] || !IsActive(marker))
            {
                continue;
            }

            if (text.StartsWith(marker.Text, StringComparison.Ordinal))
            {
                longest = longest is null || marker.Text.Length > longest.Text.Length ? marker : longest;
            }
            else if (!isLast && text.Length < marker.Text.Length && marker.Text.AsSpan().StartsWith(text, StringComparison.Ordinal))
            {
                isOpen = true;
            }
        }

        return longest;
    }

    private bool IsActive(ReplyMarker marker) => marker.Kind switch
    {
        ReplyMarkerKind.Dropped => true,
        ReplyMarkerKind.ReasoningClose => _inReasoning,
        ReplyMarkerKind.ReasoningOpen => !_inReasoning && AtBeginning,
        ReplyMarkerKind.Trailer => !_inReasoning && AtBeginning && _followsCall,
        _ => !_inReasoning && marker.Patterns.Any(IsActive),
    };

    private bool IsActive(CallPattern pattern) => pattern.Place switch
    {
        CallPlace.Beginning => AtBeginning,
        CallPlace.AfterCall => AtBeginning && _followsCall,
        _ => true,
    };

    // Returns how many characters of the marker are dealt with; a call's matchers want all of it.
    private int Enter(ReplyMarker marker, ICollection<ReplyPart> parts)
    {
        switch (marker.Kind)
        {
            case ReplyMarkerKind.Call:
                _matchers.AddRange(marker.Patterns.Where(IsActive).Select(static pattern => new CallMatcher(pattern)));
                return 0;
            case ReplyMarkerKind.ReasoningOpen:
                _inReasoning = true;
                _parts.Turn(ReplyPartKind.Reasoning, parts);
                break;
            case ReplyMarkerKind.ReasoningClose:
                _inReasoning = false;
                _parts.Turn(ReplyPartKind.Content, parts);
                break;
            case ReplyMarkerKind.Trailer:
                _parts.Turn(ReplyPartKind.Content, parts);
                break;
        }

        return marker.Text.Length;
    }

    private int Match(ReadOnlySpan<char> text, ICollection<ReplyPart> parts)
    {
        for (int i = 0; i < text.Length; i++)
        {
            CallMatcher? complete = null;
            int alive = 0;
            for (int j = 0; j < _matchers.Count; j++)
            {
                bool? result = _matchers[j].Feed(text[i]);
                if (result is true)
                {
                    complete ??= _matchers[j];
                }
                else if (result is null)
                {
                    _matchers[alive++] = _matchers[j];
                }
            }

            _matchers.RemoveRange(alive, _matchers.Count - alive);
            if (complete is not null)
            {
                Settle(complete, parts);
                return i + 1;
            }

            if (alive == 0)
            {
                // The character that does not fit may begin a marker itself.
                Settle(null, parts);
                return i;
            }

            _raw.Append(text[i]);
        }

        return text.Length;
    }

    private void Settle(CallMatcher? complete, ICollection<ReplyPart> parts)
    {
        _matchers.Clear();
        if (complete is null)
        {
            _parts.Add(_raw.ToString());
        }
        else
        {
            foreach (WrittenCall call in complete.Calls!)
            {
                _parts.AddCall(call, parts);
            }

            _followsCall = true;
        }

        _raw.Clear();
    }
}
