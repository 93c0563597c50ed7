namespace Moesaic.Scheduling;

/// <summary>Blocks of one cache group.</summary>
/// <param name="Free">Without content.</param>
/// <param name="Used">In page tables.</param>
/// <param name="Cached">Unused, with content that may serve again.</param>
/// <param name="Evictions">Cached blocks given up so far.</param>
public readonly record struct BlockUsage(int Free, int Used, int Cached, long Evictions)
{
    public int Total => Free + Used + Cached;
}
