using Moesaic.Interop;
using Moesaic.Models.Decoder;

namespace Moesaic.Engine;

/// <summary>How a model is loaded and run.</summary>
public sealed record EngineOptions
{
    /// <summary>The device; by default the CPU with everything it has.</summary>
    public DeviceOptions Device { get; init; } = new();

    public Precision Precision { get; init; } = Precision.Fast;

    public KvFormat KvFormat { get; init; } = KvFormat.BF16;

    /// <summary>Most positions of one sequence; null: the model's own context, at most <see cref="DefaultMaxContext"/>.</summary>
    public int? MaxContext { get; init; }

    /// <summary>Tokens of one prefill step.</summary>
    public int PrefillChunk { get; init; } = 512;

    /// <summary>How models with latent attention compute it; the others take no notice.</summary>
    public LatentForm LatentForm { get; init; }

    /// <summary>Load the multi-token-prediction layers too.</summary>
    public bool LoadMtp { get; init; }

    /// <summary>
    /// Looks at a model before its weights are read, and throws what the load is to end with. Null: an encoder-decoder is
    /// refused, as all it can be used for is <see cref="ModelRuntime.CreateEncoderDecoderScorer"/>.
    /// </summary>
    public Action<DecoderDescription>? Accept { get; init; }

    /// <summary>A file whose chat template replaces the model's own.</summary>
    public string? ChatTemplatePath { get; init; }

    /// <summary>Told before weights are expanded to float32 because the device does not run their format.</summary>
    public Action<ExpandedWeights>? Announce { get; init; }

    /// <summary>Told from a loading thread, one call at a time, how far the load is.</summary>
    public Action<LoadProgress>? Progress { get; init; }

    public CancellationToken Cancellation { get; init; }

    /// <summary>Says how much memory can still be used; null: as the system tells.</summary>
    public Func<MemoryReport?>? Memory { get; init; }

    /// <summary>Changes what the family described, in tests.</summary>
    internal Func<DecoderDescription, DecoderDescription>? EditDescription { get; init; }

    /// <summary>The cache of a model with a long context is not taken whole unless asked for.</summary>
    public const int DefaultMaxContext = 8192;
}
