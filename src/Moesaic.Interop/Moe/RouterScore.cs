using Moesaic.Bindings;

namespace Moesaic.Interop;

/// <summary>How a router turns logits into probabilities.</summary>
public enum RouterScore
{
    Softmax = MscRouterScore.Softmax,
    Sigmoid = MscRouterScore.Sigmoid,

    /// <summary>Softmax over the chosen logits only.</summary>
    SoftmaxOfChosen = MscRouterScore.SoftmaxOfChosen,
}
