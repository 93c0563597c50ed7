using System.Collections.Immutable;
using Moesaic.Interop;
using Moesaic.Models.Configurations;

namespace Moesaic.Models.Families;

/// <summary>How a family's models lie in GGUF files, as far as the description does not say it: what writing one needs beyond reading.</summary>
/// <param name="Architecture"><c>general.architecture</c>, the prefix of the hyper-parameters.</param>
internal sealed record GgufScheme(string Architecture)
{
    /// <summary>The names of the tensors.</summary>
    public TensorNames Names { get; init; } = TensorNames.Gguf;

    /// <summary>
    /// Which rotated channels pair up in the architecture's files. Where the checkpoint's halves pair up and these are neighbours,
    /// the rotated rows of queries and keys are interleaved on the way.
    /// </summary>
    public RopePairing Pairing { get; init; } = RopePairing.HalfSplit;

    /// <summary>What the keys about rotation do not say.</summary>
    public GgufRopeRules Rope { get; init; } = new();

    /// <summary>Keys of a mixture of experts that the architecture has beyond <c>expert_count</c> and <c>expert_used_count</c>.</summary>
    public ImmutableArray<string> ExpertKeys { get; init; } = [];

    /// <summary>Whether <c>attention.sliding_window</c> says the window of the layers that have one.</summary>
    public bool HasWindow { get; init; }

    /// <summary>Whether the key is there for a model without windows too, as 0.</summary>
    public bool AlwaysHasWindow { get; init; }

    /// <summary>Every how many layers one has no window where <c>attention.sliding_window_pattern</c> does not say; 0: the architecture has no such key.</summary>
    public int WindowPattern { get; init; }

    /// <summary>Whether <c>attention.scale</c> says the factor of the scores where it is not the head width's.</summary>
    public bool HasAttentionScale { get; init; }
}
