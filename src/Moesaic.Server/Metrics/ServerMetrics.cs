using System.Collections.Concurrent;
using Moesaic.Server.Catalog;

namespace Moesaic.Server.Metrics;

/// <summary>Counts and times requests, by model.</summary>
internal sealed class ServerMetrics
{
    private const int LowestStatus = 100;

    private readonly ConcurrentDictionary<string, ModelMetrics> _models = new(StringComparer.Ordinal);
    private readonly long[] _responses = new long[500];

    /// <summary>A request that will be handed to the engine begins.</summary>
    public RequestMeter Begin(ServedModel model, int numSamples = 1) => new(Of(model), numSamples);

    public ModelMetrics Of(ServedModel model) => _models.GetOrAdd(model.Name, static _ => new ModelMetrics());

    public void CountResponse(int status) => Interlocked.Increment(ref _responses[Math.Clamp(status - LowestStatus, 0, _responses.Length - 1)]);

    /// <summary>Statuses that were answered, and how often.</summary>
    public IEnumerable<(int Status, long Count)> Responses()
    {
        for (int i = 0; i < _responses.Length; i++)
        {
            if (Interlocked.Read(ref _responses[i]) is > 0 and var count)
            {
                yield return (i + LowestStatus, count);
            }
        }
    }
}
