using System.Collections.Immutable;
using System.Security.Cryptography;
using Moesaic.Interop;

namespace Moesaic.Engine;

/// <summary>Draws the next token of one sequence natively and brings it to the host.</summary>
internal sealed class TokenSampler : IDisposable
{
    // Words of the result buffer: id, log-probability, then alternatives' ids and log-probabilities.
    private const int IdWord = 0;
    private const int LogprobWord = 1;
    private const int TopIdsWord = 16;
    private const int TopLogprobsWord = TopIdsWord + SamplingParameters.MaxTopLogprobs;
    private const int NumWords = TopLogprobsWord + SamplingParameters.MaxTopLogprobs;

    private readonly DeviceBuffer _results;
    private readonly SamplingRows _rows = new(1);
    private readonly int _vocabularySize;
    private readonly int _maxTokens;
    private readonly int[] _words = new int[NumWords];
    private DrawState? _state;
    private ulong _seed;

    public TokenSampler(Device device, int vocabularySize, int maxTokens)
    {
        _vocabularySize = vocabularySize;
        _maxTokens = maxTokens;
        _results = DeviceBuffer.Create(device, NumWords * sizeof(int));
    }

    /// <summary>The drawn token.</summary>
    public int Id => _words[IdWord];

    /// <summary>Its log-probability.</summary>
    public float Logprob => BitConverter.Int32BitsToSingle(_words[LogprobWord]);

    /// <summary>The seed in use: the request's, or the one taken in its place.</summary>
    public ulong Seed => _seed;

    /// <summary>Alternatives of the last draw, best first.</summary>
    public ImmutableArray<TokenAlternative> Alternatives()
    {
        int count = _state?.NumAlternatives ?? 0;
        ImmutableArray<TokenAlternative>.Builder list = ImmutableArray.CreateBuilder<TokenAlternative>(count);
        for (int i = 0; i < count; i++)
        {
            list.Add(new TokenAlternative(_words[TopIdsWord + i], BitConverter.Int32BitsToSingle(_words[TopLogprobsWord + i])));
        }

        return list.MoveToImmutable();
    }

    /// <summary>Starts a request.</summary>
    public void Begin(SamplingParameters parameters, ReadOnlySpan<int> prompt, IReadOnlySet<int> endIds)
    {
        _seed = parameters.Seed ?? NewSeed();
        _state = new DrawState(parameters, _seed, parameters.SampleIndex, prompt, endIds, _vocabularySize, _maxTokens + 1);
    }

    /// <summary>A seed for a request that has none.</summary>
    public static ulong NewSeed() => BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong)));

    /// <summary>Draws from one row of logits and waits for the result. <paramref name="position"/> is that of the new token.</summary>
    /// <exception cref="NativeException">The biases leave no token to draw.</exception>
    public void Draw(ComputeStream stream, in Tensor logits, int position)
    {
        DrawState state = _state!;
        _rows.Set(0, state.Row(position));
        int top = state.NumAlternatives;
        stream.Sample(new SampleParams
        {
            Logits = logits,
            VocabularySize = _vocabularySize,
            Rows = _rows,
            Ids = Words(IdWord, 1, TensorFormat.I32),
            Logprobs = Words(LogprobWord, 1, TensorFormat.F32),
            NumTopLogprobs = top,
            TopIds = top > 0 ? Words(TopIdsWord, top, TensorFormat.I32) : default,
            TopLogprobs = top > 0 ? Words(TopLogprobsWord, top, TensorFormat.F32) : default,
        });
        _results.Download(stream, 0, _words.AsSpan());
        state.Count(Id);
    }

    public void Dispose() => _results.Dispose();

    private Tensor Words(int word, int count, TensorFormat format) => Tensor.Dense(_results, 1, count, format, word * sizeof(int));
}
