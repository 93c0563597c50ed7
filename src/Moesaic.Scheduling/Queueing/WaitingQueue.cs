namespace Moesaic.Scheduling;

/// <summary>
/// Requests that have never run. The next one is that of the tenant who has been served least; among one tenant's, that of
/// the lowest rank.
/// </summary>
internal sealed class WaitingQueue
{
    // Idle tenants are remembered for what they have had more than others; past this many, none is.
    private const int MaxIdleTenants = 4096;

    private readonly Dictionary<string, Tenant> _tenants = new(StringComparer.Ordinal);
    private readonly List<Tenant> _live = [];
    private long _level;

    /// <summary>Requests in the queue.</summary>
    public int Count { get; private set; }

    /// <summary>Prompt tokens of these.</summary>
    public long NumTokens { get; private set; }

    /// <summary>Waiting requests of a tenant.</summary>
    public int CountOf(string tenant) => _tenants.TryGetValue(tenant, out Tenant? t) ? t.Waiting.Count : 0;

    public void Add(Request request)
    {
        Tenant tenant = TenantOf(request.Options.Tenant);
        tenant.Weight = request.Options.TenantWeight;
        if (tenant.NumLive++ == 0)
        {
            tenant.LiftTo(Level());
            _live.Add(tenant);
        }

        request.Tenant = tenant;
        tenant.Waiting.Add(request);
        Count++;
        NumTokens += request.Prompt.Length;
    }

    /// <summary>Takes a request out: it runs now, or never will.</summary>
    public void Remove(Request request)
    {
        request.Tenant!.Waiting.Remove(request);
        Count--;
        NumTokens -= request.Prompt.Length;
    }

    /// <summary>The request to run next, or null.</summary>
    public Request? Next()
    {
        Tenant? next = null;
        foreach (Tenant tenant in _live)
        {
            if (tenant.Waiting.Count > 0 && (next is null || tenant.Service < next.Service
                || (tenant.Service == next.Service && tenant.Waiting.First!.IsBefore(next.Waiting.First!))))
            {
                next = tenant;
            }
        }

        return next?.Waiting.First;
    }

    /// <summary>A request has ended.</summary>
    public void Leave(Request request)
    {
        Tenant tenant = request.Tenant!;
        if (--tenant.NumLive > 0)
        {
            return;
        }

        _level = Math.Max(_level, Level());
        _live.Remove(tenant);
    }

    /// <summary>What a tenant who comes now starts from: the least served of those here, or of those who were here last.</summary>
    private long Level()
    {
        long level = long.MaxValue;
        foreach (Tenant tenant in _live)
        {
            level = Math.Min(level, tenant.Service);
        }

        return level == long.MaxValue ? _level : level;
    }

    private Tenant TenantOf(string name)
    {
        if (_tenants.TryGetValue(name, out Tenant? tenant))
        {
            return tenant;
        }

        if (_tenants.Count - _live.Count >= MaxIdleTenants)
        {
            ForgetIdle();
        }

        tenant = new Tenant(name);
        _tenants.Add(name, tenant);
        return tenant;
    }

    private void ForgetIdle()
    {
        foreach (Tenant tenant in _tenants.Values)
        {
            if (tenant.NumLive == 0)
            {
                _tenants.Remove(tenant.Name);
            }
        }
    }
}
