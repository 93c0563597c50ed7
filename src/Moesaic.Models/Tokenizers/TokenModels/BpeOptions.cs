namespace Moesaic.Models.Tokenizers.TokenModels;

/// <summary>How a byte-pair model treats what its merges do not cover.</summary>
internal sealed record BpeOptions
{
    /// <summary>Token for unknown characters; null drops them.</summary>
    public string? UnknownToken { get; init; }

    /// <summary>Put before every character of a word but the first.</summary>
    public string ContinuingSubwordPrefix { get; init; } = "";

    /// <summary>Put behind the last character of a word.</summary>
    public string EndOfWordSuffix { get; init; } = "";

    /// <summary>Neighbouring unknown characters give one unknown token.</summary>
    public bool FuseUnknown { get; init; }

    /// <summary>Unknown characters become tokens &lt;0xNN&gt; of their UTF-8 bytes where all of these exist.</summary>
    public bool ByteFallback { get; init; }

    /// <summary>A word that is a token by itself needs no merges.</summary>
    public bool IgnoreMerges { get; init; }
}
