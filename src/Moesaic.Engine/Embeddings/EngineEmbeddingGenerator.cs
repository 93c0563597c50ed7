using Microsoft.Extensions.AI;

namespace Moesaic.Engine;

/// <summary><see cref="IEmbeddingGenerator{TInput, TEmbedding}"/> of Microsoft.Extensions.AI over an <see cref="EmbeddingEngine"/>.</summary>
/// <remarks>Thread-safe; concurrent calls share steps. It does not own the engine.</remarks>
public sealed class EngineEmbeddingGenerator : IEmbeddingGenerator<string, Embedding<float>>
{
    private readonly EmbeddingEngine _engine;
    private readonly EmbeddingGeneratorMetadata _metadata;

    /// <param name="engine">What makes the vectors.</param>
    /// <param name="modelId">What the model is called in answers; null: its folder or file.</param>
    public EngineEmbeddingGenerator(EmbeddingEngine engine, string? modelId = null)
    {
        ArgumentNullException.ThrowIfNull(engine);
        _engine = engine;
        _metadata = new EmbeddingGeneratorMetadata("moesaic", null, modelId ?? engine.Model.Name, engine.Model.Dimensions);
    }

    /// <inheritdoc/>
    /// <exception cref="NotSupportedException">Another number of dimensions than the model's is asked for.</exception>
    /// <exception cref="ContextExceededException">A text is too long.</exception>
    /// <exception cref="EmbeddingQueueFullException">Too many texts wait already.</exception>
    public async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(values);
        if (options?.Dimensions is { } dimensions && dimensions != _engine.Model.Dimensions)
        {
            throw new NotSupportedException($"{dimensions} dimensions are not possible: the model's vectors have {_engine.Model.Dimensions}, and cutting them needs a model trained for it.");
        }

        int[][] texts = [.. values.Select(_engine.Model.Encode)];
        float[][] vectors = await _engine.EmbedAsync(texts, cancellationToken).ConfigureAwait(false);
        DateTimeOffset now = DateTimeOffset.UtcNow;
        long tokens = texts.Sum(static t => (long)t.Length);
        return new GeneratedEmbeddings<Embedding<float>>(vectors.Select(v => new Embedding<float>(v) { CreatedAt = now, ModelId = _metadata.DefaultModelId }))
        {
            Usage = new UsageDetails { InputTokenCount = tokens, TotalTokenCount = tokens },
        };
    }

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is not null ? null
            : serviceType == typeof(EmbeddingGeneratorMetadata) ? _metadata
            : serviceType.IsInstanceOfType(_engine) ? _engine
            : serviceType.IsInstanceOfType(this) ? this
            : null;
    }

    /// <summary>Does nothing: the engine's owner disposes of it.</summary>
    public void Dispose()
    {
    }
}
