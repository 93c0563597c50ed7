using Value = Moesaic.Models.ChatTemplates.ChatTemplateValue;

namespace Moesaic.Models.ChatTemplates.Values;

/// <summary>Text, counted and indexed in code points as Python does, kept as UTF-16.</summary>
/// <param name="text">The text.</param>
/// <param name="isMarkup">Whether it came from escape or safe: further escaping leaves it alone.</param>
internal sealed class StringValue(string text, bool isMarkup = false) : Value
{
    public static readonly StringValue Empty = new("");

    // Start of each code point, or null when every UTF-16 unit is one. Computed when first asked for; a race between
    // renderings computes the same thing twice.
    private int[]? _starts;
    private bool _scanned;

    public string Text { get; } = text;

    public bool IsMarkup { get; } = isMarkup;

    internal override string TypeName => IsMarkup ? "Markup" : "str";

    internal override bool IsTrue => Text.Length > 0;

    internal override int Length => Starts?.Length ?? Text.Length;

    private int[]? Starts
    {
        get
        {
            if (!Volatile.Read(ref _scanned))
            {
                _starts = CodePoints.FindStarts(Text);
                Volatile.Write(ref _scanned, true);
            }

            return _starts;
        }
    }

    /// <summary>Offset in UTF-16 units of a code point index in 0..Length.</summary>
    public int OffsetOf(int codePoint)
    {
        int[]? starts = Starts;
        return starts is null ? codePoint : codePoint == starts.Length ? Text.Length : starts[codePoint];
    }

    /// <summary>Code point index of an offset in UTF-16 units that starts a code point.</summary>
    public int IndexOfOffset(int offset)
    {
        int[]? starts = Starts;
        if (starts is null)
        {
            return offset;
        }

        int found = Array.BinarySearch(starts, offset);
        return found >= 0 ? found : ~found;
    }

    public string At(int codePoint) => Text[OffsetOf(codePoint)..OffsetOf(codePoint + 1)];

    public string Slice(int start, int end) => start >= end ? "" : Text[OffsetOf(start)..OffsetOf(end)];

    internal override IEnumerator<Value> TryIterate()
    {
        for (int offset = 0; offset < Text.Length;)
        {
            int length = CodePoints.LengthAt(Text, offset);
            yield return new StringValue(Text.Substring(offset, length));
            offset += length;
        }
    }
}
