using Moesaic.Bindings;

namespace Moesaic.Interop;

/// <summary>Order in which the choices of a sequence's tokens in a step are offered to experts of limited capacity.</summary>
public enum RouterQueue
{
    /// <summary>All choices of a token, then those of the next.</summary>
    ByToken = MscRouterQueue.ByToken,

    /// <summary>The first choices of all tokens, then the second ones (GShard).</summary>
    ByChoice = MscRouterQueue.ByChoice,
}
