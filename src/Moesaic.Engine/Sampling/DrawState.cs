using Moesaic.Interop;

namespace Moesaic.Engine;

/// <summary>How the tokens of one sequence are drawn, as the native side takes it, and what its penalties have counted.</summary>
/// <remarks>One thread at a time. Settings are made once; a draw allocates nothing while the counts have room.</remarks>
internal sealed class DrawState
{
    private readonly SamplingParameters _parameters;
    private readonly ulong _seed;
    private readonly uint _sampleIndex;
    private readonly TokenCounts? _counts;
    private readonly PinnedArray<TokenBias>? _biases;
    private readonly PinnedArray<TokenBias>? _firstBiases;
    private readonly PinnedArray<uint>? _mask;
    private readonly BannedSequences? _banned;

    // The biases of a draw with what the banned sequences forbid just then.
    private readonly PinnedArray<TokenBias>? _allBiases;
    private readonly int _firstEnd;

    /// <param name="parameters">Checked settings.</param>
    /// <param name="seed">The seed in use.</param>
    /// <param name="sampleIndex">Which of several answers this is.</param>
    /// <param name="prompt">Tokens that count as seen.</param>
    /// <param name="endIds">The model's end tokens.</param>
    /// <param name="vocabularySize">Tokens that may be drawn.</param>
    /// <param name="countCapacity">Different tokens for which the counts have room at once.</param>
    public DrawState(SamplingParameters parameters, ulong seed, uint sampleIndex, ReadOnlySpan<int> prompt, IReadOnlySet<int> endIds, int vocabularySize, int countCapacity)
    {
        _parameters = parameters;
        _seed = seed;
        _sampleIndex = sampleIndex;
        _biases = Biases(parameters, []);
        _firstEnd = prompt.Length + parameters.MinTokens;
        if (parameters.MinTokens > 0)
        {
            _firstBiases = Biases(parameters, EndIds(parameters, endIds).Where(id => id < vocabularySize));
        }

        if (!parameters.BannedSequences.IsEmpty)
        {
            _banned = new BannedSequences(parameters.BannedSequences);
            _allBiases = new PinnedArray<TokenBias>(Math.Max(_biases?.Length ?? 0, _firstBiases?.Length ?? 0) + _banned.Count);
        }

        _mask = Mask(parameters, vocabularySize);
        if (parameters.CountsTokens)
        {
            _counts = new TokenCounts(Math.Min(countCapacity, vocabularySize));
            foreach (int id in prompt)
            {
                _counts.Add(id, generated: false);
            }
        }
    }

    /// <summary>Alternatives wanted with each token.</summary>
    public int NumAlternatives => _parameters.TopLogprobs;

    /// <summary>Tokens that end a generation.</summary>
    public static IEnumerable<int> EndIds(SamplingParameters parameters, IReadOnlySet<int> endIds) =>
        parameters.IgnoreEndIds ? parameters.StopIds : endIds.Union(parameters.StopIds);

    /// <summary>How the token at <paramref name="position"/> of the sequence is drawn.</summary>
    public SamplingRow Row(int position)
    {
        SamplingParameters p = _parameters;
        PinnedArray<TokenBias>? biases = position < _firstEnd ? _firstBiases : _biases;
        return new SamplingRow
        {
            Temperature = p.Temperature,
            TopK = p.TopK,
            TopP = p.TopP,
            MinP = p.MinP,
            RepetitionPenalty = p.RepetitionPenalty,
            PresencePenalty = p.PresencePenalty,
            FrequencyPenalty = p.FrequencyPenalty,
            Seed = _seed,
            SampleIndex = _sampleIndex,
            Position = (ulong)position,
            TokenCounts = _counts?.Slice ?? default,
            Biases = WithBans(biases),
            Mask = _mask?.Slice(0, _mask.Length) ?? default,
        };
    }

    /// <summary>A token was drawn.</summary>
    public void Count(int id)
    {
        _counts?.Add(id, generated: true);
        _banned?.Add(id);
    }

    private PinnedSlice<TokenBias> WithBans(PinnedArray<TokenBias>? biases) => _banned is null
        ? biases?.Slice(0, biases.Length) ?? default
        : _allBiases!.Slice(0, _banned.Merge(biases, _allBiases));

    private static PinnedArray<TokenBias>? Biases(SamplingParameters parameters, IEnumerable<int> banned)
    {
        SortedDictionary<int, float> all = new(parameters.LogitBias);
        foreach (int id in banned)
        {
            all[id] = float.NegativeInfinity;
        }

        if (all.Count == 0)
        {
            return null;
        }

        PinnedArray<TokenBias> biases = new(all.Count);
        int i = 0;
        foreach ((int id, float bias) in all)
        {
            biases[i++] = new TokenBias(id, bias);
        }

        return biases;
    }

    private static PinnedArray<uint>? Mask(SamplingParameters parameters, int vocabularySize)
    {
        if (parameters.AllowedIds.IsEmpty)
        {
            return null;
        }

        PinnedArray<uint> mask = new((vocabularySize + 31) / 32);
        foreach (int id in parameters.AllowedIds)
        {
            mask[id / 32] |= 1u << (id % 32);
        }

        return mask;
    }
}
