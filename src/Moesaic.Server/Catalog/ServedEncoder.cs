using Moesaic.Engine;

namespace Moesaic.Server.Catalog;

/// <summary>A loaded encoder under its public name, with the engine that makes its embeddings.</summary>
internal sealed class ServedEncoder : IDisposable
{
    private readonly EmbeddingModel _model;

    /// <param name="name">What requests call it.</param>
    /// <param name="model">The encoder; owned from here on.</param>
    /// <param name="options">Bounds of its engine.</param>
    public ServedEncoder(string name, EmbeddingModel model, ServerOptions options)
    {
        Name = name;
        _model = model;
        Created = DateTimeOffset.UtcNow;
        Engine = new EmbeddingEngine(model, options.MaxWaitingTexts, options.Serving.Clock);
    }

    /// <summary>What requests call it.</summary>
    public string Name { get; }

    public EmbeddingEngine Engine { get; }

    public EmbeddingModel Model => _model;

    /// <summary>When it was loaded.</summary>
    public DateTimeOffset Created { get; }

    public void Dispose()
    {
        Engine.Dispose();
        _model.Dispose();
    }
}
