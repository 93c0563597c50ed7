using System.Collections.Immutable;
using Moesaic.Interop;

namespace Moesaic.Models.Decoder;

/// <summary>Arithmetic and upper bounds of an executor; memory for the bounds is taken once.</summary>
public sealed record ExecutorOptions
{
    public Precision Precision { get; init; } = Precision.Fast;

    public KvFormat KvFormat { get; init; } = KvFormat.BF16;

    /// <summary>Tokens of one step.</summary>
    public int MaxTokens { get; init; } = 512;

    /// <summary>Sequences of one step.</summary>
    public int MaxSequences { get; init; } = 1;

    /// <summary>Rows of one step whose logits are wanted.</summary>
    public int MaxLogitRows { get; init; } = 1;

    /// <summary>Positions of one sequence; null: as many as the model was made for.</summary>
    public int? MaxContext { get; init; }

    /// <summary>Positions of a cache page; a multiple of 16.</summary>
    public int PageTokens { get; init; } = 64;

    /// <summary>Pages of each cache group; null: enough for <see cref="MaxSequences"/> sequences of <see cref="MaxContext"/> positions.</summary>
    public int? NumPages { get; init; }

    /// <summary>Pages of each cache group where they differ, as layers with a window need fewer; empty: <see cref="NumPages"/> each.</summary>
    public ImmutableArray<int> GroupPages { get; init; } = [];

    /// <summary>Keep which experts each token chose in each layer.</summary>
    public bool RecordExpertChoices { get; init; }

    /// <summary>Keep the normed hidden states of a step, so that the multi-token-prediction layer can follow it.</summary>
    public bool UseMtp { get; init; }

    /// <exception cref="ArgumentException">A bound is impossible for the model.</exception>
    internal void Validate(LoadedDecoder decoder)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxTokens, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxSequences, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxLogitRows, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MaxLogitRows, MaxTokens);
        if (PageTokens < 16 || PageTokens % 16 != 0)
        {
            throw new ArgumentException($"A cache page of {PageTokens} positions is not possible; expected a multiple of 16.");
        }

        int numGroups = decoder.Description.KvGroups.Length;
        if (!GroupPages.IsEmpty && GroupPages.Length != numGroups)
        {
            throw new ArgumentException($"Pages of {GroupPages.Length} cache groups were given; the model has {numGroups}.");
        }

        int limit = decoder.Description.ContextLength;
        if (MaxContext is < 1 || MaxContext > limit)
        {
            throw new ArgumentException($"A context of {MaxContext} positions is not possible; the model was made for 1 to {limit}.");
        }

        if (UseMtp && (!decoder.IncludesMtp || decoder.Description.MtpLayers.IsEmpty))
        {
            throw new ArgumentException("The multi-token-prediction layer was not loaded, or the model has none.");
        }
    }

    internal int ContextOf(DecoderDescription decoder) => MaxContext ?? decoder.ContextLength;

    internal int PagesPerSequence(DecoderDescription decoder) => ((ContextOf(decoder) - 1) / PageTokens) + 1;

    internal int TotalPages(DecoderDescription decoder, int group) => GroupPages.IsEmpty ? TotalPages(decoder) : GroupPages[group];

    internal int TotalPages(DecoderDescription decoder) => NumPages ?? checked(PagesPerSequence(decoder) * MaxSequences);
}
