using Moesaic.Interop;

namespace Moesaic.Engine;

/// <summary>How often each token occurred in a sequence, sorted by id in pinned memory, for the penalties.</summary>
/// <param name="capacity">Different tokens for which there is room from the start; past it the room doubles.</param>
internal sealed class TokenCounts(int capacity)
{
    private PinnedArray<TokenCount> _counts = new(Math.Max(1, capacity));
    private int _used;

    public PinnedSlice<TokenCount> Slice => _counts.Slice(0, _used);

    public void Add(int id, bool generated)
    {
        int at = LowerBound(id);
        if (at == _used || _counts[at].Id != id)
        {
            Insert(at, id);
        }

        TokenCount count = _counts[at];
        _counts[at] = new TokenCount(id, count.Generated + (generated ? 1 : 0), count.Total + 1);
    }

    private void Insert(int at, int id)
    {
        if (_used == _counts.Length)
        {
            PinnedArray<TokenCount> larger = new(2 * _used);
            _counts.Span.CopyTo(larger.Span);
            _counts = larger;
        }

        Span<TokenCount> counts = _counts.Span;
        counts[at.._used].CopyTo(counts[(at + 1)..]);
        counts[at] = new TokenCount(id, 0, 0);
        _used++;
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
