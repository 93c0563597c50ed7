using System.Collections.Immutable;

namespace Moesaic.Engine;

/// <summary>Tokens of a sample with what is known of them. Written once each, then only read; never shrinks.</summary>
internal sealed class TokenBuffer
{
    private readonly int[] _ids;
    private readonly float[] _logprobs;
    private readonly int[] _topIds;
    private readonly float[] _topLogprobs;
    private readonly int _numAlternatives;

    public TokenBuffer(int capacity, int numAlternatives)
    {
        _numAlternatives = numAlternatives;
        _ids = new int[capacity];
        _logprobs = new float[capacity];
        _topIds = new int[checked(capacity * numAlternatives)];
        _topLogprobs = new float[_topIds.Length];
    }

    public int Capacity => _ids.Length;

    public int Id(int index) => _ids[index];

    public float Logprob(int index) => _logprobs[index];

    public ImmutableArray<TokenAlternative> Alternatives(int index)
    {
        ImmutableArray<TokenAlternative>.Builder alternatives = ImmutableArray.CreateBuilder<TokenAlternative>(_numAlternatives);
        for (int i = index * _numAlternatives; i < (index + 1) * _numAlternatives; i++)
        {
            alternatives.Add(new TokenAlternative(_topIds[i], _topLogprobs[i]));
        }

        return alternatives.MoveToImmutable();
    }

    /// <summary>Writes a token. Of the alternatives as many are kept as this buffer is for.</summary>
    public void Set(int index, int id, float logprob, ReadOnlySpan<int> topIds, ReadOnlySpan<float> topLogprobs)
    {
        _ids[index] = id;
        _logprobs[index] = logprob;
        if (_numAlternatives > 0)
        {
            topIds[.._numAlternatives].CopyTo(_topIds.AsSpan(index * _numAlternatives));
            topLogprobs[.._numAlternatives].CopyTo(_topLogprobs.AsSpan(index * _numAlternatives));
        }
    }

    /// <summary>A buffer twice as large with the same tokens.</summary>
    public TokenBuffer Grow()
    {
        TokenBuffer larger = new(2 * Capacity, _numAlternatives);
        _ids.CopyTo(larger._ids, 0);
        _logprobs.CopyTo(larger._logprobs, 0);
        _topIds.CopyTo(larger._topIds, 0);
        _topLogprobs.CopyTo(larger._topLogprobs, 0);
        return larger;
    }
}
