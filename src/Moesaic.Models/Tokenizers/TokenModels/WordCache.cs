using System.Numerics;
using System.Runtime.InteropServices;

namespace Moesaic.Models.Tokenizers.TokenModels;

/// <summary>Ids of words seen before. It grows to a few megabytes at most, then starts anew.</summary>
/// <remarks>Words and ids lie in flat arrays, so that a hit touches few cache lines and nothing is left to collect. Not thread-safe.</remarks>
internal sealed class WordCache
{
    /// <summary>Longer words are not kept.</summary>
    public const int MaxWordLength = 48;

    private const int MaxWords = 1 << 16;
    private const int MaxIdsOfWord = 200;
    private const int MaxIds = 1 << 20;
    private const int MaxProbes = 32;

    private Slot[] _slots = new Slot[1 << 10];
    private char[] _text = new char[1 << 12];
    private int[] _ids = new int[1 << 12];
    private int _count, _textLength, _idCount;

    /// <summary>Appends the ids of a word that is kept.</summary>
    /// <param name="word">The word.</param>
    /// <param name="ids">Where its ids go.</param>
    /// <param name="hash">For <see cref="Keep"/>.</param>
    public bool TryAppend(ReadOnlySpan<char> word, List<int> ids, out uint hash)
    {
        hash = HashOf(word);
        Slot[] slots = _slots;
        for (uint at = hash; at != hash + MaxProbes; at++)
        {
            ref Slot slot = ref slots[at & (uint)(slots.Length - 1)];
            if (slot.Length == 0)
            {
                return false;
            }

            if (slot.Hash == hash && word.SequenceEqual(_text.AsSpan(slot.Text, slot.Length)))
            {
                if (slot.Count == 1)
                {
                    ids.Add(slot.Ids);
                }
                else
                {
                    ids.AddRange(_ids.AsSpan(slot.Ids, slot.Count));
                }

                return true;
            }
        }

        return false;
    }

    /// <summary>Keeps the ids of a word that is not kept yet.</summary>
    public void Keep(ReadOnlySpan<char> word, uint hash, ReadOnlySpan<int> ids)
    {
        if (word.Length is 0 or > MaxWordLength || ids.Length > MaxIdsOfWord)
        {
            return;
        }

        if (_count == MaxWords || _idCount > MaxIds)
        {
            Array.Clear(_slots);
            _count = _textLength = _idCount = 0;
        }
        else if (_count * 2 >= _slots.Length)
        {
            Grow();
        }

        if (PlaceOf(_slots, hash) is not (>= 0 and int place))
        {
            return;
        }

        Slot slot = new() { Hash = hash, Text = _textLength, Length = (byte)word.Length, Count = (byte)ids.Length };
        Append(ref _text, ref _textLength, word);
        if (ids.Length == 1)
        {
            slot.Ids = ids[0];
        }
        else
        {
            slot.Ids = _idCount;
            Append(ref _ids, ref _idCount, ids);
        }

        _slots[place] = slot;
        _count++;
    }

    private static void Append<T>(ref T[] store, ref int count, ReadOnlySpan<T> items)
    {
        if (count + items.Length > store.Length)
        {
            Array.Resize(ref store, store.Length * 2);
        }

        items.CopyTo(store.AsSpan(count));
        count += items.Length;
    }

    // The free slot for a hash, or -1 when too many words share it.
    private static int PlaceOf(Slot[] slots, uint hash)
    {
        for (uint at = hash; at != hash + MaxProbes; at++)
        {
            if (slots[at & (uint)(slots.Length - 1)].Length == 0)
            {
                return (int)(at & (uint)(slots.Length - 1));
            }
        }

        return -1;
    }

    private void Grow()
    {
        Slot[] larger = new Slot[_slots.Length * 2];
        foreach (Slot slot in _slots)
        {
            if (slot.Length != 0 && PlaceOf(larger, slot.Hash) is >= 0 and int place)
            {
                larger[place] = slot;
            }
        }

        _slots = larger;
    }

    private static uint HashOf(ReadOnlySpan<char> word)
    {
        const ulong Factor = 0x9E3779B97F4A7C15;
        ulong hash = (ulong)word.Length * Factor;
        ReadOnlySpan<ulong> quads = MemoryMarshal.Cast<char, ulong>(word);
        foreach (ulong quad in quads)
        {
            hash = BitOperations.RotateLeft((hash ^ quad) * Factor, 29);
        }

        foreach (char c in word[(quads.Length * 4)..])
        {
            hash = (hash ^ c) * Factor;
        }

        return (uint)(hash >> 32);
    }

    private struct Slot
    {
        public uint Hash;
        public int Text;

        // The id itself when there is one; else where they begin.
        public int Ids;
        public byte Length;
        public byte Count;
    }
}
