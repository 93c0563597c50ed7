using Moesaic.Interop;

namespace Moesaic.Models.Decoder;

/// <summary>
/// An expert takes at most max(<see cref="PerExpert"/>, ceil(<see cref="Factor"/> * positions so far * top k / experts)) choices
/// of a sequence, counted in token order; what overflows follows a rule. The weights of a token are normalised over the choices
/// that were kept. See src/decisions/expert-capacity.md.
/// </summary>
/// <param name="Overflow">What becomes of a choice whose expert is full.</param>
/// <param name="Queue">Order in which choices are offered.</param>
/// <param name="PerExpert">Choices of a sequence that an expert takes; with a factor, at least.</param>
/// <param name="Factor">1: room for every choice of the sequence's positions up to the end of the step, were they spread evenly; 0: <paramref name="PerExpert"/> alone.</param>
public sealed record ExpertCapacity(RouterOverflow Overflow, int PerExpert, float Factor = 0, RouterQueue Queue = RouterQueue.ByToken)
{
    /// <summary>
    /// Whether a sequence's result depends on how it is divided into steps: choices are offered out of token order within a
    /// step, or the capacity grows with the positions so far.
    /// </summary>
    public bool DependsOnSteps(int topK) => Overflow == RouterOverflow.Reroute || Factor != 0 || (Queue == RouterQueue.ByChoice && topK > 1);
}
