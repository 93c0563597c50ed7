namespace Moesaic.Models.Tokenizers.TokenModels;

/// <summary>Ids of words seen before: a fixed number of slots, newer words push out older ones. Lock-free.</summary>
internal sealed class WordCache
{
    /// <summary>Longer words are not kept.</summary>
    public const int MaxWordLength = 48;
    private const int Slots = 1 << 15;

    private readonly Entry?[] _entries = new Entry?[Slots];

    /// <summary>The ids of a word, or null.</summary>
    public int[]? Find(ReadOnlySpan<char> word, out int slot)
    {
        slot = Hash(word) & (Slots - 1);
        Entry? entry = Volatile.Read(ref _entries[slot]);
        return entry is not null && word.SequenceEqual(entry.Word) ? entry.Ids : null;
    }

    /// <summary>Keeps the ids of a word in the slot that <see cref="Find"/> named.</summary>
    public void Keep(int slot, ReadOnlySpan<char> word, ReadOnlySpan<int> ids) =>
        Volatile.Write(ref _entries[slot], new Entry(word.ToString(), ids.ToArray()));

    // FNV-1a over UTF-16 units, folded; words are short and collisions only cost a miss.
    private static int Hash(ReadOnlySpan<char> word)
    {
        uint hash = 2166136261;
        foreach (char c in word)
        {
            hash = (hash ^ c) * 16777619;
        }

        return (int)(hash ^ (hash >> 15));
    }

    private sealed record Entry(string Word, int[] Ids);
}
