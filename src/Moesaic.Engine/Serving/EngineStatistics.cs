namespace Moesaic.Engine;

/// <summary>What an engine does and has done. Read without stopping it: the values are of slightly different moments.</summary>
public sealed record EngineStatistics
{
    /// <summary>Sequences that run.</summary>
    public required int Running { get; init; }

    /// <summary>Requests that have never run.</summary>
    public required int Waiting { get; init; }

    /// <summary>Sequences that lost their blocks and wait to be computed again.</summary>
    public required int Preempted { get; init; }

    /// <summary>Share of the cache's blocks that are in use, 0 to 1; of the fullest group.</summary>
    public required double KvCacheUsage { get; init; }

    /// <summary>Blocks of all cache groups.</summary>
    public required int BlocksTotal { get; init; }

    public required int BlocksUsed { get; init; }

    /// <summary>Unused blocks whose content may serve again.</summary>
    public required int BlocksCached { get; init; }

    public required int BlocksFree { get; init; }

    /// <summary>Bytes of the cache.</summary>
    public required long KvCacheBytes { get; init; }

    /// <summary>Positions of a cache block.</summary>
    public required int BlockTokens { get; init; }

    /// <summary>Requests taken so far.</summary>
    public required long RequestsAccepted { get; init; }

    /// <summary>Requests refused so far.</summary>
    public required long RequestsRejected { get; init; }

    /// <summary>Steps so far.</summary>
    public required long Steps { get; init; }

    /// <summary>Prompt tokens of requests that began to run: the tokens that were looked up in the prefix cache.</summary>
    public required long PromptTokens { get; init; }

    /// <summary>Of these, tokens that the prefix cache held.</summary>
    public required long CachedTokens { get; init; }

    /// <summary>Tokens drawn.</summary>
    public required long GeneratedTokens { get; init; }

    /// <summary>Times that a sequence lost its blocks.</summary>
    public required long Preemptions { get; init; }

    /// <summary>Tokens computed again after that.</summary>
    public required long RecomputedTokens { get; init; }

    /// <summary>Cached blocks given up to make room.</summary>
    public required long Evictions { get; init; }
}
