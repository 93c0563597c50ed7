using Moesaic.Bindings;

namespace Moesaic.Interop;

/// <summary>What becomes of a choice whose expert has no room left.</summary>
public enum RouterOverflow
{
    /// <summary>Every expert takes any number of choices.</summary>
    Unlimited = MscRouterOverflow.Unlimited,

    /// <summary>The choice is dropped (Switch Transformer, GShard).</summary>
    Drop = MscRouterOverflow.Drop,

    /// <summary>It goes to the best eligible expert with room that the token has not chosen, at once; without one it is dropped.</summary>
    NextBest = MscRouterOverflow.NextBest,

    /// <summary>When all choices of the sequence's tokens in the step have been offered, it is offered once more, to the best
    /// eligible expert that the token has not been offered; dropped if that one is full (Switch Transformer, appendix B).</summary>
    Reroute = MscRouterOverflow.Reroute,
}
