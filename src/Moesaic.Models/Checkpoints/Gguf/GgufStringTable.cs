using System.Collections;
using System.Text;

namespace Moesaic.Models.Checkpoints.Gguf;

/// <summary>
/// An array of strings kept as UTF-8 in one buffer, decoded on demand: a vocabulary has some hundred thousand entries,
/// and not every command needs them. Every entry is valid UTF-8.
/// </summary>
public sealed class GgufStringTable : IReadOnlyList<string>
{
    private readonly byte[] _bytes;
    private readonly int[] _ends;

    internal GgufStringTable(byte[] bytes, int[] ends)
    {
        _bytes = bytes;
        _ends = ends;
    }

    /// <summary>Number of entries.</summary>
    public int Count => _ends.Length;

    /// <summary>Entry <paramref name="index"/>, decoded anew on each call.</summary>
    public string this[int index] => Encoding.UTF8.GetString(GetUtf8(index));

    /// <summary>Entry <paramref name="index"/> as UTF-8.</summary>
    public ReadOnlySpan<byte> GetUtf8(int index)
    {
        int start = index == 0 ? 0 : _ends[index - 1];
        return _bytes.AsSpan(start, _ends[index] - start);
    }

    /// <summary>Every entry decoded.</summary>
    public string[] ToArray()
    {
        string[] all = new string[Count];
        for (int i = 0; i < all.Length; i++)
        {
            all[i] = this[i];
        }

        return all;
    }

    /// <inheritdoc/>
    public IEnumerator<string> GetEnumerator()
    {
        for (int i = 0; i < Count; i++)
        {
            yield return this[i];
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
