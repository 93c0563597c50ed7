namespace Moesaic.Models.Export;

/// <summary>How a model is written.</summary>
public sealed record ExportOptions
{
    public required QuantisationMix Mix { get; init; }

    /// <summary>What the columns of matrices weigh; null: all the same.</summary>
    public ImportanceMatrix? Importance { get; init; }

    /// <summary>Whether scales are searched; else they are those of plain rounding.</summary>
    public bool SearchesScales { get; init; } = true;

    /// <summary>Whether a file of that name is replaced.</summary>
    public bool Overwrites { get; init; }

    /// <summary>0: one a processor.</summary>
    public int Threads { get; init; }

    /// <summary>Called from several threads.</summary>
    public Action<ExportProgress>? Progress { get; init; }

    public CancellationToken Cancellation { get; init; }
}
