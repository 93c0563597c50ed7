namespace Moesaic.Models.Tokenizers.TokenModels;

/// <summary>Caches for the calls that run at the same time; a cache belongs to one call at a time. Lock-free.</summary>
internal sealed class WordCachePool
{
    private readonly WordCache?[] _spare = new WordCache?[Math.Min(Environment.ProcessorCount, 16)];

    public WordCache Rent()
    {
        foreach (ref WordCache? place in _spare.AsSpan())
        {
            if (place is not null && Interlocked.Exchange(ref place, null) is { } cache)
            {
                return cache;
            }
        }

        return new WordCache();
    }

    public void Return(WordCache cache)
    {
        foreach (ref WordCache? place in _spare.AsSpan())
        {
            if (place is null && Interlocked.CompareExchange(ref place, cache, null) is null)
            {
                return;
            }
        }
    }
}
