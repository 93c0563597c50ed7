using System.Collections.Immutable;

namespace Moesaic.Engine;

/// <summary>How tokens are chosen and when generation ends. The order of the steps is fixed: bias and penalties, mask, temperature, top-k, top-p, min-p, draw.</summary>
public sealed record SamplingParameters
{
    public const int MaxTopLogprobs = 128;

    /// <summary>0: greedy.</summary>
    public float Temperature { get; init; } = 1;

    /// <summary>Keep the k most probable tokens; 0: off.</summary>
    public int TopK { get; init; }

    /// <summary>Keep the most probable tokens that together reach this share; 1: off.</summary>
    public float TopP { get; init; } = 1;

    /// <summary>Drop tokens below this share of the most probable one; 0: off.</summary>
    public float MinP { get; init; }

    /// <summary>Divides positive and multiplies negative logits of tokens seen in prompt or answer; 1: off.</summary>
    public float RepetitionPenalty { get; init; } = 1;

    /// <summary>Subtracted once from tokens seen in the answer; 0: off.</summary>
    public float PresencePenalty { get; init; }

    /// <summary>Subtracted for each occurrence in the answer; 0: off.</summary>
    public float FrequencyPenalty { get; init; }

    /// <summary>Added to the logits of tokens.</summary>
    public ImmutableDictionary<int, float> LogitBias { get; init; } = ImmutableDictionary<int, float>.Empty;

    /// <summary>Key of the draw together with sample index and position; null: a fresh one for each request.</summary>
    public ulong? Seed { get; init; }

    /// <summary>Which of several answers to the same prompt this is.</summary>
    public uint SampleIndex { get; init; }

    /// <summary>Most tokens generated; null: as many as the context holds; 0: the prompt is computed and nothing is drawn.</summary>
    public int? MaxTokens { get; init; }

    /// <summary>Until so many tokens are generated, neither end tokens nor <see cref="StopIds"/> can be drawn, and stop strings don't count.</summary>
    public int MinTokens { get; init; }

    /// <summary>The only tokens that may be drawn; empty: all.</summary>
    public ImmutableArray<int> AllowedIds { get; init; } = [];

    /// <summary>Sequences of tokens that the answer must not hold: the last token of one cannot be drawn after all the others.</summary>
    public ImmutableArray<ImmutableArray<int>> BannedSequences { get; init; } = [];

    /// <summary>Texts that end the answer; they are not part of it.</summary>
    public ImmutableArray<string> StopStrings { get; init; } = [];

    /// <summary>Further token ids that end the answer.</summary>
    public ImmutableArray<int> StopIds { get; init; } = [];

    /// <summary>Go on past the model's own end tokens.</summary>
    public bool IgnoreEndIds { get; init; }

    /// <summary>Alternatives reported with each token, by descending log-probability of the raw logits.</summary>
    public int TopLogprobs { get; init; }

    /// <summary>Whether any step needs to know which tokens occurred.</summary>
    internal bool CountsTokens => RepetitionPenalty != 1 || PresencePenalty != 0 || FrequencyPenalty != 0;

    /// <summary>Refuses impossible values.</summary>
    /// <exception cref="ArgumentException">A value lies outside its range; the message names it.</exception>
    public void Validate(int vocabularySize)
    {
        Require(float.IsFinite(Temperature) && Temperature >= 0, nameof(Temperature), Temperature, "a finite number of at least 0");
        Require(TopK >= 0, nameof(TopK), TopK, "0 (off) or more");
        Require(TopP is > 0 and <= 1, nameof(TopP), TopP, "above 0 and at most 1");
        Require(MinP is >= 0 and < 1, nameof(MinP), MinP, "at least 0 and below 1");
        Require(float.IsFinite(RepetitionPenalty) && RepetitionPenalty > 0, nameof(RepetitionPenalty), RepetitionPenalty, "a finite number above 0");
        Require(float.IsFinite(PresencePenalty), nameof(PresencePenalty), PresencePenalty, "a finite number");
        Require(float.IsFinite(FrequencyPenalty), nameof(FrequencyPenalty), FrequencyPenalty, "a finite number");
        Require(MaxTokens is null or >= 0, nameof(MaxTokens), MaxTokens, "at least 0");
        Require(MinTokens >= 0 && MinTokens <= (MaxTokens ?? int.MaxValue), nameof(MinTokens), MinTokens, "0 to MaxTokens");
        Require(TopLogprobs is >= 0 and <= MaxTopLogprobs && TopLogprobs <= vocabularySize, nameof(TopLogprobs), TopLogprobs, $"0 to {Math.Min(MaxTopLogprobs, vocabularySize)}");
        foreach ((int id, float bias) in LogitBias)
        {
            Require(id >= 0 && id < vocabularySize, nameof(LogitBias), id, $"token ids from 0 to {vocabularySize - 1}");
            Require(!float.IsNaN(bias) && bias < float.PositiveInfinity, nameof(LogitBias), bias, "a number, or negative infinity to forbid a token");
        }

        foreach (int id in StopIds)
        {
            Require(id >= 0 && id < vocabularySize, nameof(StopIds), id, $"token ids from 0 to {vocabularySize - 1}");
        }

        foreach (int id in AllowedIds)
        {
            Require(id >= 0 && id < vocabularySize, nameof(AllowedIds), id, $"token ids from 0 to {vocabularySize - 1}");
        }

        foreach (ImmutableArray<int> sequence in BannedSequences)
        {
            Require(!sequence.IsDefaultOrEmpty, nameof(BannedSequences), "an empty sequence", "sequences of at least one token");
            foreach (int id in sequence)
            {
                Require(id >= 0 && id < vocabularySize, nameof(BannedSequences), id, $"token ids from 0 to {vocabularySize - 1}");
            }
        }

        foreach (string text in StopStrings)
        {
            Require(!string.IsNullOrEmpty(text), nameof(StopStrings), "''", "texts that are not empty");
        }
    }

    private static void Require(bool holds, string name, object? found, string expected)
    {
        if (!holds)
        {
            throw new ArgumentException(FormattableString.Invariant($"{name} is {found}; expected {expected}."), name);
        }
    }
}
