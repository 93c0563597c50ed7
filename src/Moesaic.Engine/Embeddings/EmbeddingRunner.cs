using Moesaic.Models.Encoder;

namespace Moesaic.Engine;

/// <summary>
/// Makes the vectors of texts given as ids, as many texts a step as fit. A text's vector depends on that text alone.
/// </summary>
/// <remarks>One thread at a time.</remarks>
public sealed class EmbeddingRunner : IDisposable
{
    /// <summary>Tokens of a step, where no text is longer: enough to keep all cores busy.</summary>
    internal const int DefaultTokens = 2048;

    private readonly EmbeddingModel _model;
    private readonly EncoderExecutor _executor;
    private readonly int[] _ids;
    private readonly int[] _offsets;
    private readonly float[] _hidden;

    internal EmbeddingRunner(EmbeddingModel model, EncoderExecutor executor)
    {
        _model = model;
        _executor = executor;
        _ids = new int[executor.Options.MaxTokens];
        _offsets = new int[executor.Options.MaxSequences + 1];
        _hidden = new float[checked(executor.Options.MaxTokens * model.Dimensions)];
    }

    /// <summary>Tokens that fit a step.</summary>
    internal int MaxTokens => _ids.Length;

    /// <summary>Texts that fit a step.</summary>
    internal int MaxTexts => _offsets.Length - 1;

    /// <summary>The vectors of texts, pooled as the model says.</summary>
    /// <param name="texts">Ids, special tokens included.</param>
    /// <param name="hidden">Takes the hidden states of every text; null: not wanted.</param>
    /// <param name="cancellationToken">Ends it between two steps.</param>
    /// <returns>[texts][width].</returns>
    /// <exception cref="ArgumentException">A text is empty, or holds what is no token of the model.</exception>
    /// <exception cref="ContextExceededException">A text is too long.</exception>
    public float[][] Embed(IReadOnlyList<int[]> texts, HiddenStatesSink? hidden = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(texts);
        foreach (int[] text in texts)
        {
            _model.Check(text);
        }

        float[][] vectors = new float[texts.Count][];
        for (int first = 0; first < texts.Count;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int count = 0;
            int tokens = 0;
            while (first + count < texts.Count && count < MaxTexts && tokens + texts[first + count].Length <= MaxTokens)
            {
                tokens += texts[first + count++].Length;
            }

            Run(texts, first, count, vectors, hidden);
            first += count;
        }

        return vectors;
    }

    /// <inheritdoc/>
    public void Dispose() => _executor.Dispose();

    /// <summary>One step over texts that fit it and were checked.</summary>
    internal void Run(IReadOnlyList<int[]> texts, int first, int count, float[][] vectors, HiddenStatesSink? hidden)
    {
        int tokens = 0;
        for (int i = 0; i < count; i++)
        {
            texts[first + i].CopyTo(_ids, tokens);
            tokens += texts[first + i].Length;
            _offsets[i + 1] = tokens;
        }

        _executor.Run(_ids.AsSpan(0, tokens), _offsets.AsSpan(0, count + 1));
        int width = _model.Dimensions;
        Span<float> states = _hidden.AsSpan(0, tokens * width);
        _executor.ReadHidden(states);
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<float> mine = states[(_offsets[i] * width)..(_offsets[i + 1] * width)];
            float[] vector = new float[width];
            _model.Description.Pooling.Apply(mine, vector);
            vectors[first + i] = vector;
            hidden?.Invoke(first + i, mine);
        }
    }
}
