namespace Moesaic.Models.Decoder;

/// <summary>How a decoder is loaded.</summary>
public sealed record LoadOptions
{
    /// <summary>Threads that read and repack; 0: as many as the device has.</summary>
    public int NumThreads { get; init; }

    /// <summary>Told before weights are expanded to float32 because the device does not run their format.</summary>
    public Action<ExpandedWeights>? Announce { get; init; }

    /// <summary>Told from a loading thread, one call at a time, how far the load is.</summary>
    public Action<LoadProgress>? Progress { get; init; }

    public CancellationToken Cancellation { get; init; }
}
