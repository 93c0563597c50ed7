namespace Moesaic.Engine;

/// <summary>Splits a model's reply, which comes in pieces, into content, thinking and tool calls. However the reply is cut into pieces, the parts joined are the same.</summary>
/// <remarks>One for each reply; not thread-safe.</remarks>
public sealed class ReplyParser
{
    private bool _finished;

    internal ReplyParser(ReplyFormat format, ReplyParserOptions options)
    {
        _ = options;
        KeepsSpecialTokens = format.KeepsSpecialTokens;
    }

    /// <summary>Whether the text must be decoded with special tokens kept, because the format's markers are among them.</summary>
    public bool KeepsSpecialTokens { get; }

    /// <summary>Takes the next piece of the reply and adds the parts that are certain by now.</summary>
    public void Push(string text, ICollection<ReplyPart> parts)
    {
        ArgumentNullException.ThrowIfNull(parts);
        ObjectDisposedException.ThrowIf(_finished, this);
        if (!string.IsNullOrEmpty(text))
        {
            parts.Add(new ReplyPart(ReplyPartKind.Content, text));
        }
    }

    /// <summary>The reply has ended: adds what was held back.</summary>
    public void Finish(ICollection<ReplyPart> parts)
    {
        ArgumentNullException.ThrowIfNull(parts);
        _finished = true;
    }
}
