using System.Collections.Immutable;

namespace Moesaic.Models.Families;

/// <summary>How a family's models lie in GGUF files, as far as the description does not say it: what writing one needs.</summary>
/// <param name="Architecture"><c>general.architecture</c>, the prefix of the hyper-parameters.</param>
internal sealed record GgufScheme(string Architecture)
{
    /// <summary>The names of the tensors.</summary>
    public TensorNames Names { get; init; } = TensorNames.Gguf;

    /// <summary>Whether rows of queries and keys lie interleaved: row 2j + b of a head is row b * width / 2 + j of the checkpoint's.</summary>
    public bool InterleavesQueryAndKey { get; init; }

    /// <summary>Keys of a mixture of experts that the architecture has beyond <c>expert_count</c> and <c>expert_used_count</c>.</summary>
    public ImmutableArray<string> ExpertKeys { get; init; } = [];

    /// <summary>Whether <c>attention.sliding_window</c> says the window of all layers.</summary>
    public bool HasWindow { get; init; }
}
