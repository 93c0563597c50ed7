using System.Net;
using Moesaic.Engine;

namespace Moesaic.Server;

/// <summary>How the service host listens, whom it lets in, what it serves and within which bounds.</summary>
public sealed record ServerOptions
{
    /// <summary>What is served; empty: the embedded model. The first one answers requests that name no model.</summary>
    public IReadOnlyList<ModelSource> Models { get; init; } = [];

    /// <summary>How every model is loaded and run.</summary>
    public EngineOptions Engine { get; init; } = new();

    /// <summary>Where to listen: loopback unless told otherwise.</summary>
    public IPAddress Address { get; init; } = IPAddress.Loopback;

    /// <summary>The port; 0: any free one.</summary>
    public int Port { get; init; } = DefaultPort;

    /// <summary>Keys that open the user routes; empty: they are open to whoever can connect.</summary>
    public IReadOnlyList<ApiKey> ApiKeys { get; init; } = [];

    /// <summary>The key that opens the admin routes; null: there are none.</summary>
    public ApiKey? AdminKey { get; init; }

    /// <summary>Names, besides addresses and localhost, that requests may call this host by; "*": any.</summary>
    public IReadOnlyList<string> AllowedHosts { get; init; } = [];

    /// <summary>Longest time of a request, waiting included; a request may ask for less. Null: no limit.</summary>
    public TimeSpan? RequestTimeout { get; init; }

    /// <summary>Most bytes of a request's body.</summary>
    public int MaxBodyBytes { get; init; } = 16 << 20;

    /// <summary>The port when none is given.</summary>
    public const int DefaultPort = 8000;
}
