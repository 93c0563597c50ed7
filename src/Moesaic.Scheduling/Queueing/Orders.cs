namespace Moesaic.Scheduling;

/// <summary>Waiting requests of one tenant: by rank.</summary>
internal readonly struct WaitingOrder : IHeapOrder<Request>
{
    public static bool IsBefore(Request a, Request b) => a.IsBefore(b);

    public static ref int IndexOf(Request item) => ref item.WaitingIndex;
}

/// <summary>All requests that can run out of time: the next one first.</summary>
internal readonly struct ExpiryOrder : IHeapOrder<Request>
{
    public static bool IsBefore(Request a, Request b) => a.Expiry < b.Expiry;

    public static ref int IndexOf(Request item) => ref item.ExpiryIndex;
}

/// <summary>Preempted sequences: by rank.</summary>
internal readonly struct PreemptedOrder : IHeapOrder<Sequence>
{
    public static bool IsBefore(Sequence a, Sequence b) => a.IsBefore(b);

    public static ref int IndexOf(Sequence item) => ref item.PreemptedIndex;
}
