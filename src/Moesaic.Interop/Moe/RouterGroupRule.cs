using Moesaic.Bindings;

namespace Moesaic.Interop;

/// <summary>What a group of experts scores.</summary>
public enum RouterGroupRule
{
    /// <summary>The sum of its two largest selection scores (DeepSeek-V3, Ling 2.0).</summary>
    Top2Sum = MscRouterGroupRule.Top2Sum,

    /// <summary>Its largest (DeepSeek-V2).</summary>
    Max = MscRouterGroupRule.Max,
}
