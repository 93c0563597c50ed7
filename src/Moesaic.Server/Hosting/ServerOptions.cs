using System.Net;
using Microsoft.Extensions.Logging;
using Moesaic.Engine;

namespace Moesaic.Server;

/// <summary>How the service host listens, whom it lets in, what it serves and within which bounds.</summary>
public sealed record ServerOptions
{
    /// <summary>What is served; empty: the embedded model. The first one answers requests that name no model.</summary>
    public IReadOnlyList<ModelSource> Models { get; init; } = [];

    /// <summary>How every model is loaded and run.</summary>
    public EngineOptions Engine { get; init; } = new();

    /// <summary>Bounds and policy of every model's engine.</summary>
    public ServingOptions Serving { get; init; } = new();

    /// <summary>Texts that may wait for their embeddings, of each encoder.</summary>
    public int MaxWaitingTexts { get; init; } = EmbeddingEngine.DefaultMaxWaitingTexts;

    /// <summary>How replies mark tool calls and thinking; null: found from each model.</summary>
    public ReplyFormat? ReplyFormat { get; init; }

    /// <summary>By which names thinking is told in OpenAI's chat completions.</summary>
    public ReasoningFields ReasoningFields { get; init; }

    /// <summary>Where to listen: loopback unless told otherwise.</summary>
    public IPAddress Address { get; init; } = IPAddress.Loopback;

    /// <summary>The port; 0: any free one.</summary>
    public int Port { get; init; } = DefaultPort;

    /// <summary>Certificate and key; null: plain HTTP.</summary>
    public TlsFiles? Tls { get; init; }

    /// <summary>Keys that open the user routes; empty: they are open to whoever can connect.</summary>
    public IReadOnlyList<ApiKey> ApiKeys { get; init; } = [];

    /// <summary>The key that opens the admin routes; null: there are none.</summary>
    public ApiKey? AdminKey { get; init; }

    /// <summary>Names, besides addresses and localhost, that requests may call this host by; "*": any.</summary>
    public IReadOnlyList<string> AllowedHosts { get; init; } = [];

    /// <summary>Longest time of a request from its arrival, waiting included; a request may ask for less. Null: no limit.</summary>
    public TimeSpan? RequestTimeout { get; init; }

    /// <summary>Silence after which a stream gets a sign of life; null: none.</summary>
    public TimeSpan? KeepAliveInterval { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Tokens of an answer that may wait for a client which does not read its stream; one more and the answer is cancelled.</summary>
    public int MaxUnreadTokens { get; init; } = 2048;

    /// <summary>How long running requests may go on when the host stops.</summary>
    public TimeSpan DrainTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Most bytes of a request's body.</summary>
    public int MaxBodyBytes { get; init; } = 16 << 20;

    /// <summary>Connections at a time; further ones are closed at once.</summary>
    public int MaxConnections { get; init; } = 4096;

    /// <summary>Within which a request's headers must have come.</summary>
    public TimeSpan HeadersTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a body may come more slowly than 240 bytes a second; more than one second.</summary>
    public TimeSpan SlowBodyGrace { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Least severe messages that are logged.</summary>
    public LogLevel LogLevel { get; init; } = LogLevel.Information;

    /// <summary>Write the bodies of requests to the log.</summary>
    public bool LogPrompts { get; init; }

    /// <summary>Where log lines go; null: standard error.</summary>
    public TextWriter? LogWriter { get; init; }

    /// <summary>The port when none is given.</summary>
    public const int DefaultPort = 8000;
}
