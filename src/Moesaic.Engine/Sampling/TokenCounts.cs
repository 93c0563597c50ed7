using Moesaic.Interop;

namespace Moesaic.Engine;

/// <summary>How often each token occurred in a sequence, sorted by id in pinned memory, for the penalties. Counting allocates nothing.</summary>
internal sealed class TokenCounts(int capacity)
{
    private readonly PinnedArray<TokenCount> _counts = new(capacity);
    private int _used;

    public PinnedSlice<TokenCount> Slice => _counts.Slice(0, _used);

    public void Clear() => _used = 0;

    public void Add(int id, bool generated)
    {
        int at = LowerBound(id);
        Span<TokenCount> counts = _counts.Span;
        if (at == _used || counts[at].Id != id)
        {
            counts[at.._used].CopyTo(counts[(at + 1)..]);
            counts[at] = new TokenCount(id, 0, 0);
            _used++;
        }

        TokenCount count = counts[at];
        counts[at] = new TokenCount(id, count.Generated + (generated ? 1 : 0), count.Total + 1);
    }

    private int LowerBound(int id)
    {
        ReadOnlySpan<TokenCount> counts = _counts.Span;
        int low = 0, high = _used;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (counts[middle].Id < id)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }
}
