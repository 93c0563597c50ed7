using System.Buffers;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.Json;
using Moesaic.Models.Tokenizers.TokenModels;

namespace Moesaic.Models.Tokenizers.Files;

/// <summary>Turns the ranked pairs of a byte-pair model into ids, without a string for each of them.</summary>
/// <param name="vocabulary">All tokens.</param>
/// <param name="count">How many pairs there will be.</param>
/// <param name="continuingPrefix">What a right part begins with and the joined token leaves out.</param>
/// <param name="file">The file, for messages.</param>
/// <param name="field">Its field, for messages.</param>
internal sealed class MergeReader(Vocabulary vocabulary, int count, string continuingPrefix, string file, string field)
{
    private char[] _joined = new char[256];
    private char[] _text = new char[256];
    private int _rank;

    /// <summary>What was read so far.</summary>
    public MergeTable Table { get; } = new(count);

    /// <summary>The pairs of a JSON array: arrays of two strings, or strings of two tokens parted by a space.</summary>
    /// <exception cref="ModelFormatException">An item is no pair, or needs a token that is not there.</exception>
    public static MergeTable Read(Vocabulary vocabulary, JsonField merges, string continuingPrefix)
    {
        MergeReader reader = new(vocabulary, merges.ArrayLength(), continuingPrefix, merges.File, merges.Path);
        foreach (JsonElement item in merges.Element.EnumerateArray())
        {
            reader.Add(merges, item);
        }

        return reader.Table;
    }

    /// <summary>Adds the pair of the next rank.</summary>
    /// <exception cref="ModelFormatException">It needs a token that is not there.</exception>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Add(ReadOnlySpan<char> left, ReadOnlySpan<char> right)
    {
        if (right.Length < continuingPrefix.Length)
        {
            throw Error($"'{right}' is shorter than the prefix '{continuingPrefix}'");
        }

        int length = left.Length + right.Length - continuingPrefix.Length;
        if (_joined.Length < length)
        {
            _joined = new char[length * 2];
        }

        left.CopyTo(_joined);
        right[continuingPrefix.Length..].CopyTo(_joined.AsSpan(left.Length));
        Table.Add(Require(left, left, right), Require(right, left, right), _rank, Require(_joined.AsSpan(0, length), left, right));
        _rank++;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Add(JsonField merges, JsonElement item)
    {
        if (item.ValueKind == JsonValueKind.Array && item.GetArrayLength() == 2
            && item[0].ValueKind == JsonValueKind.String && item[1].ValueKind == JsonValueKind.String)
        {
            ReadOnlySpan<char> left = Text(item[0], 0);
            Add(left, Text(item[1], left.Length));
            return;
        }

        if (item.ValueKind == JsonValueKind.String)
        {
            ReadOnlySpan<char> text = Text(item, 0);
            int space = text.IndexOf(' ');
            if (space >= 0 && text[(space + 1)..].IndexOf(' ') < 0)
            {
                Add(text[..space], text[(space + 1)..]);
                return;
            }
        }

        throw merges.At(_rank).Unexpected("two tokens, as an array or parted by one space");
    }

    // The text of a string, in the buffer from a place on unless it has escapes.
    private ReadOnlySpan<char> Text(JsonElement element, int at)
    {
        ReadOnlySpan<byte> raw = JsonMarshal.GetRawUtf8Value(element)[1..^1];
        if (raw.Contains((byte)'\\'))
        {
            return element.GetString();
        }

        if (_text.Length < at + raw.Length)
        {
            // The part before stays valid: it lies in the old array.
            _text = new char[2 * (at + raw.Length)];
        }

        return System.Text.Unicode.Utf8.ToUtf16(raw, _text.AsSpan(at), out _, out int length, replaceInvalidSequences: false) == OperationStatus.Done
            ? _text.AsSpan(at, length)
            : element.GetString();
    }

    private int Require(ReadOnlySpan<char> token, ReadOnlySpan<char> left, ReadOnlySpan<char> right) => vocabulary.IdOf(token) is >= 0 and int known
        ? known
        : throw Error($"'{left} {right}' needs the token '{token}', which is not in the vocabulary");

    private ModelFormatException Error(string message) => new(file, string.Create(CultureInfo.InvariantCulture, $"{field}[{_rank}]"), message);
}
