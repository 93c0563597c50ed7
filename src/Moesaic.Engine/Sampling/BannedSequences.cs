using System.Collections.Immutable;
using Moesaic.Interop;

namespace Moesaic.Engine;

/// <summary>Sequences of tokens that an answer must not hold: where it ends with all of one but its last token, that one is forbidden.</summary>
/// <remarks>Only drawn tokens count, not the prompt's. Allocates nothing after it was made.</remarks>
internal sealed class BannedSequences
{
    private readonly ImmutableArray<ImmutableArray<int>> _sequences;
    private readonly int[] _recent;
    private long _numDrawn;

    public BannedSequences(ImmutableArray<ImmutableArray<int>> sequences)
    {
        _sequences = [.. sequences.OrderBy(static s => s[^1])];
        _recent = new int[Math.Max(1, sequences.Max(static s => s.Length) - 1)];
    }

    /// <summary>Most tokens that can be forbidden at once.</summary>
    public int Count => _sequences.Length;

    /// <summary>A token was drawn.</summary>
    public void Add(int id) => _recent[_numDrawn++ % _recent.Length] = id;

    /// <summary>Writes biases, and what the next token must not be, by ascending id and no id twice.</summary>
    /// <param name="biases">Ascending; null: none.</param>
    /// <param name="into">Room for all of them and <see cref="Count"/> more.</param>
    /// <returns>How many were written.</returns>
    public int Merge(PinnedArray<TokenBias>? biases, PinnedArray<TokenBias> into)
    {
        int count = biases?.Length ?? 0;
        int from = 0;
        int at = 0;
        foreach (ImmutableArray<int> sequence in _sequences)
        {
            int last = sequence[^1];
            if (!IsBegun(sequence) || (at > 0 && into[at - 1].Id == last))
            {
                continue;
            }

            while (from < count && biases![from].Id < last)
            {
                into[at++] = biases[from++];
            }

            from += from < count && biases![from].Id == last ? 1 : 0;
            into[at++] = new TokenBias(last, float.NegativeInfinity);
        }

        while (from < count)
        {
            into[at++] = biases![from++];
        }

        return at;
    }

    private bool IsBegun(ImmutableArray<int> sequence)
    {
        int length = sequence.Length - 1;
        if (length > _numDrawn)
        {
            return false;
        }

        for (int i = 0; i < length; i++)
        {
            if (_recent[(_numDrawn - length + i) % _recent.Length] != sequence[i])
            {
                return false;
            }
        }

        return true;
    }
}
