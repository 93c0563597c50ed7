namespace Moesaic.Interop;

/// <summary>Penalties, mask, temperature, filters and the draw, row by row.</summary>
public readonly ref struct SampleParams
{
    /// <summary>[R, padded vocabulary]; not changed.</summary>
    public required Tensor Logits { get; init; }

    /// <summary>Columns that are tokens; the rest is padding and never drawn or counted.</summary>
    public required long VocabularySize { get; init; }

    /// <summary>Settings of the rows: R of them from <see cref="FirstRow"/> on count.</summary>
    public required SamplingRows Rows { get; init; }

    /// <summary>Which of <see cref="Rows"/> belongs to the first row of the logits.</summary>
    public int FirstRow { get; init; }

    /// <summary>[R, 1] int32: the drawn token.</summary>
    public required Tensor Ids { get; init; }

    /// <summary>[R, 1]: log-probability of the drawn token under the raw logits.</summary>
    public required Tensor Logprobs { get; init; }

    /// <summary>Alternatives to report per row, 0 to 128, by descending raw log-probability.</summary>
    public int NumTopLogprobs { get; init; }

    /// <summary>[R, <see cref="NumTopLogprobs"/>] int32; absent when that is 0.</summary>
    public Tensor TopIds { get; init; }

    /// <summary>[R, <see cref="NumTopLogprobs"/>]; absent when that is 0.</summary>
    public Tensor TopLogprobs { get; init; }
}
