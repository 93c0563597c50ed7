using Microsoft.Extensions.Logging;
using Moesaic.Server.Catalog;
using Moesaic.Server.Metrics;

namespace Moesaic.Server.Hosting;

/// <summary>What all requests of a host share.</summary>
internal sealed record HostServices(ServerOptions Options, ServedModels Models, ServerMetrics Metrics, ILogger Log)
{
    /// <summary>One clock for the host and its engines.</summary>
    public TimeProvider Clock => Options.Serving.Clock;
}
