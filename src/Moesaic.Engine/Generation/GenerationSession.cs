using System.Collections.Immutable;
using System.Diagnostics;
using Moesaic.Interop;
using Moesaic.Models.Decoder;

namespace Moesaic.Engine;

/// <summary>
/// Generates token ids for one sequence at a time. Keys and values stay cached between requests: of a new prompt only what
/// differs from the sequence before is computed. A decode step allocates no managed memory.
/// </summary>
/// <remarks>One thread at a time.</remarks>
public sealed class GenerationSession : IDisposable
{
    private readonly DecoderExecutor _executor;
    private readonly TokenSampler _sampler;
    private readonly int _vocabularySize;
    private readonly IReadOnlySet<int> _endIds;
    private readonly int[] _tokens;
    private readonly int[] _positions;
    private readonly int[] _pages;
    private readonly int[] _offsets = new int[2];
    private readonly int[] _logitRow = new int[1];
    private SamplingParameters _parameters = new();
    private int _numTokens;
    private int _numCached;
    private int _promptTokens;
    private int _reusedTokens;
    private long _started;
    private long _firstToken;
    private long _lastToken;

    /// <param name="decoder">The model.</param>
    /// <param name="options">Arithmetic and bounds; one sequence and one row of logits are enough.</param>
    /// <param name="vocabularySize">Tokens that may be drawn; the decoder's rows past them are padding.</param>
    /// <param name="endIds">Tokens that end generation.</param>
    public GenerationSession(LoadedDecoder decoder, ExecutorOptions options, int vocabularySize, IReadOnlySet<int> endIds)
    {
        ArgumentNullException.ThrowIfNull(decoder);
        _executor = new DecoderExecutor(decoder, options);
        _vocabularySize = vocabularySize;
        _endIds = endIds;
        try
        {
            _sampler = new TokenSampler(decoder.Device, vocabularySize, _executor.MaxContext);
        }
        catch
        {
            _executor.Dispose();
            throw;
        }

        _tokens = new int[_executor.MaxContext + 1];
        _positions = [.. Enumerable.Range(0, _executor.MaxContext)];
        _pages = new int[_executor.NumKvGroups * _executor.PagesPerSequence];
        for (int i = 0; i < _pages.Length; i++)
        {
            _pages[i] = i % _executor.PagesPerSequence;
        }
    }

    /// <summary>Most positions of a sequence.</summary>
    public int MaxContext => _executor.MaxContext;

    /// <summary>Prompt and generated tokens so far.</summary>
    public ReadOnlySpan<int> Tokens => _tokens.AsSpan(0, _numTokens);

    /// <summary>Generated tokens so far.</summary>
    public ReadOnlySpan<int> Generated => _tokens.AsSpan(_promptTokens, _numTokens - _promptTokens);

    /// <summary>Why the current generation ended; <see cref="FinishReason.None"/> while it goes on.</summary>
    public FinishReason Finish { get; private set; } = FinishReason.Length;

    /// <summary>The seed of the current generation.</summary>
    public ulong Seed => _sampler.Seed;

    /// <summary>Bytes of caches and activations.</summary>
    public long SizeBytes => _executor.SizeBytes;

    public GenerationTimings Timings => new()
    {
        PromptTokens = _promptTokens,
        ReusedTokens = _reusedTokens,
        GeneratedTokens = _numTokens - _promptTokens,
        Prefill = _firstToken == 0 ? TimeSpan.Zero : Stopwatch.GetElapsedTime(_started, _firstToken),
        Decode = _firstToken == 0 ? TimeSpan.Zero : Stopwatch.GetElapsedTime(_firstToken, _lastToken),
    };

    /// <summary>Alternatives to the last token, best first; as many as the request asked for.</summary>
    public ImmutableArray<TokenAlternative> Alternatives() => _sampler.Alternatives();

    /// <summary>Starts a generation; nothing is computed yet.</summary>
    /// <exception cref="ArgumentException">The prompt is empty, holds an id that is no token, or a parameter is impossible.</exception>
    /// <exception cref="ContextExceededException">The prompt is longer than the context.</exception>
    public void Begin(ReadOnlySpan<int> prompt, SamplingParameters parameters)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        parameters.Validate(_vocabularySize);
        if (prompt.IsEmpty)
        {
            throw new ArgumentException("The prompt has no tokens; expected at least one.", nameof(prompt));
        }

        if (prompt.Length > MaxContext)
        {
            throw new ContextExceededException(prompt.Length, MaxContext);
        }

        foreach (int id in prompt)
        {
            if (id < 0 || id >= _executor.Description.VocabularySize)
            {
                throw new ArgumentException($"The prompt holds the id {id}; expected 0 to {_executor.Description.VocabularySize - 1}.", nameof(prompt));
            }
        }

        _started = Stopwatch.GetTimestamp();
        _firstToken = 0;
        _parameters = parameters;
        _sampler.Begin(parameters, prompt, _endIds);

        // The last token is run again in any case: its logits are wanted.
        int common = prompt.CommonPrefixLength(_tokens.AsSpan(0, _numCached));
        _numCached = Math.Min(common, prompt.Length - 1);
        _reusedTokens = _numCached;
        prompt.CopyTo(_tokens);
        _numTokens = prompt.Length;
        _promptTokens = prompt.Length;
        Finish = parameters.MaxTokens == 0 ? FinishReason.Length : FinishReason.None;
    }

    /// <summary>Computes the next token; the first call runs the prompt. False once generation has ended.</summary>
    /// <exception cref="NativeException">The biases leave no token to draw, or the device failed.</exception>
    public bool TryNext(out GeneratedToken token, CancellationToken cancellation = default)
    {
        token = default;
        if (Finish != FinishReason.None)
        {
            return false;
        }

        int chunk = _executor.Options.MaxTokens;
        while (_numCached < _numTokens)
        {
            if (cancellation.IsCancellationRequested)
            {
                Finish = FinishReason.Cancelled;
                return false;
            }

            RunStep(Math.Min(chunk, _numTokens - _numCached));
        }

        int position = _numTokens;
        _sampler.Draw(_executor.Stream, _executor.Logits, position);
        int id = _sampler.Id;
        _tokens[_numTokens++] = id;
        _lastToken = Stopwatch.GetTimestamp();
        _firstToken = _firstToken == 0 ? _lastToken : _firstToken;
        Finish = FinishOf(id);
        token = new GeneratedToken(id, _sampler.Logprob, position, Finish);
        return true;
    }

    /// <summary>Ends the current generation, for a reason that the caller found in the text.</summary>
    public void End(FinishReason reason)
    {
        if (Finish == FinishReason.None)
        {
            Finish = reason;
        }
    }

    /// <summary>Forgets all cached keys and values.</summary>
    public void Reset()
    {
        _numCached = 0;
        _numTokens = 0;
        _promptTokens = 0;
        Finish = FinishReason.Length;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _sampler.Dispose();
        _executor.Dispose();
    }

    private FinishReason FinishOf(int id)
    {
        if ((!_parameters.IgnoreEndIds && _endIds.Contains(id)) || _parameters.StopIds.AsSpan().Contains(id))
        {
            return FinishReason.StopId;
        }

        int generated = _numTokens - _promptTokens;
        return generated >= (_parameters.MaxTokens ?? int.MaxValue) || _numTokens > MaxContext ? FinishReason.Length : FinishReason.None;
    }

    private void RunStep(int count)
    {
        bool last = _numCached + count == _numTokens;
        _offsets[1] = count;
        _logitRow[0] = count - 1;
        _executor.Run(new BatchContent
        {
            TokenIds = _tokens.AsSpan(_numCached, count),
            Positions = _positions.AsSpan(_numCached, count),
            QueryOffsets = _offsets,
            LogitRows = last ? _logitRow : [],
            PageTables = _pages,
            PagesStride = _executor.PagesPerSequence,
        });
        _executor.Stream.Synchronize();
        _numCached += count;
    }
}
