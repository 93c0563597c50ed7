namespace Moesaic.Scheduling;

/// <summary>Somebody who shares the machine with others, and what has been done for them.</summary>
internal sealed class Tenant(string name)
{
    /// <summary>Units of service that one token of a tenant of weight 1 counts.</summary>
    private const long Unit = 1 << 20;

    public string Name { get; } = name;

    public long Weight { get; set; } = 1;

    /// <summary>Tokens served, over the weight: the virtual counter of Sheng et al., "Fairness in Serving Large Language Models" (OSDI 2024).</summary>
    public long Service { get; private set; }

    /// <summary>Requests that have not ended.</summary>
    public int NumLive { get; set; }

    public IndexedHeap<Request, WaitingOrder> Waiting { get; } = new(16);

    public void Charge(long tokens) => Service += tokens * Unit / Weight;

    /// <summary>Being away earns nothing: whoever comes back starts level with those who are here.</summary>
    public void LiftTo(long service) => Service = Math.Max(Service, service);
}
