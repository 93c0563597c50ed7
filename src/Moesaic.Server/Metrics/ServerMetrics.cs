using System.Collections.Concurrent;
using Moesaic.Server.Catalog;

namespace Moesaic.Server.Metrics;

/// <summary>Counts and times requests, by model.</summary>
internal sealed class ServerMetrics
{
    private readonly ConcurrentDictionary<string, ModelMetrics> _models = new(StringComparer.Ordinal);

    /// <summary>A request that will be handed to the engine begins.</summary>
    public RequestMeter Begin(ServedModel model, int numSamples = 1) => new(Of(model), numSamples);

    public ModelMetrics Of(ServedModel model) => _models.GetOrAdd(model.Name, static _ => new ModelMetrics());
}
