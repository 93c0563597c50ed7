using System.Collections.Immutable;
using System.Globalization;
using Moesaic.Engine;
using Moesaic.Server.Catalog;
using Moesaic.Server.Chat;
using Moesaic.Server.Json;

namespace Moesaic.Server.OpenAi;

/// <summary>Reads how tokens are chosen: OpenAI's fields and vLLM's, over what the model's author recommends.</summary>
internal static class SamplingFields
{
    private const float LeastTemperature = 1e-5f;
    private const double LeastPenalty = 0.01;

    /// <param name="body">The request's fields.</param>
    /// <param name="model">Gives defaults and the size of the vocabulary.</param>
    /// <param name="maxTokens">Most tokens of an answer; null: as many as fit.</param>
    /// <param name="topLogprobs">Alternatives wanted with each token.</param>
    /// <exception cref="Errors.ApiException">400: a value lies outside its range.</exception>
    public static SamplingParameters Read(JsonFields body, ServedModel model, int? maxTokens, int topLogprobs)
    {
        SamplingParameters defaults = Defaults(model);
        int vocabulary = model.Runtime.VocabularySize;
        int topK = body.Find("top_k")?.Integer(-1, int.MaxValue) ?? defaults.TopK;
        float minP = Number(body.Find("min_p"), 0, 1) ?? defaults.MinP;
        return defaults with
        {
            Temperature = Temperature(body.Find("temperature")) ?? defaults.Temperature,
            TopP = TopP(body.Find("top_p")) ?? defaults.TopP,
            TopK = Math.Max(0, topK),
            MinP = Math.Min(minP, float.BitDecrement(1)),
            RepetitionPenalty = Number(body.Find("repetition_penalty"), LeastPenalty, 100) ?? defaults.RepetitionPenalty,
            PresencePenalty = Number(body.Find("presence_penalty"), -2, 2) ?? defaults.PresencePenalty,
            FrequencyPenalty = Number(body.Find("frequency_penalty"), -2, 2) ?? defaults.FrequencyPenalty,
            LogitBias = LogitBias(body.Find("logit_bias"), vocabulary),
            Seed = body.Find("seed") is { } seed ? unchecked((ulong)seed.Long(long.MinValue, long.MaxValue)) : null,
            MaxTokens = maxTokens,
            MinTokens = body.Find("min_tokens")?.Integer(0, maxTokens ?? int.MaxValue) ?? 0,
            StopStrings = StopStrings(body.Find("stop")),
            StopIds = Ids(body.Find("stop_token_ids"), vocabulary, RequestLimits.MaxStopIds),
            AllowedIds = AllowedIds(body.Find("allowed_token_ids"), vocabulary),
            BannedSequences = BadWords(body.Find("bad_words"), model),
            IgnoreEndIds = body.Find("ignore_eos")?.Flag() ?? false,
            TopLogprobs = Math.Min(topLogprobs, vocabulary),
        };
    }

    /// <summary>The protocol's defaults with the model's own over them; a temperature is only the model's if it samples at all.</summary>
    public static SamplingParameters Defaults(ServedModel model)
    {
        SamplingParameters recommended = model.Runtime.DefaultSampling;
        return recommended with { Temperature = recommended.Temperature > 0 ? recommended.Temperature : 1 };
    }

    /// <summary>One stop string or several; none may be empty.</summary>
    public static ImmutableArray<string> StopStrings(JsonField? field) => field switch
    {
        null => [],
        { IsText: true } one => [StopString(one)],
        { IsArray: true } several => [.. several.Items(RequestLimits.MaxStopStrings).Select(StopString)],
        { } other => throw other.WrongType("a string or an array of strings"),
    };

    private static string StopString(JsonField field) =>
        field.Text(RequestLimits.MaxStopLength) is { Length: > 0 } text ? text : throw field.Invalid("a stop string must not be empty");

    private static ImmutableArray<int> Ids(JsonField? field, int vocabulary, int maxCount) =>
        field is { } ids ? [.. ids.Integers(0, vocabulary - 1, maxCount)] : [];

    private static ImmutableArray<int> AllowedIds(JsonField? field, int vocabulary)
    {
        if (field is not { } ids)
        {
            return [];
        }

        ImmutableArray<int> allowed = Ids(ids, vocabulary, vocabulary);
        return allowed.IsEmpty ? throw ids.Invalid("the array is empty, which would leave no token to draw; leave the field out to allow all") : allowed;
    }

    /// <summary>
    /// The tokens of each word as they come at the beginning of a text and after a space. A model that spells a word with other
    /// tokens is not kept from it, which the field's users know from vLLM.
    /// </summary>
    private static ImmutableArray<ImmutableArray<int>> BadWords(JsonField? field, ServedModel model)
    {
        if (field is not { } words)
        {
            return [];
        }

        ImmutableArray<ImmutableArray<int>>.Builder banned = ImmutableArray.CreateBuilder<ImmutableArray<int>>();
        foreach (JsonField word in words.Items(RequestLimits.MaxBadWords))
        {
            string text = word.Text(RequestLimits.MaxBadWordLength).TrimStart(' ');
            if (text.Length == 0)
            {
                throw word.Invalid("a word must not be empty");
            }

            foreach (string form in (ReadOnlySpan<string>)[text, " " + text])
            {
                ImmutableArray<int> ids = [.. RunningRequest.Encode(word.Path, () => model.Runtime.Tokenizer.Encode(form, addSpecialTokens: false))];
                if (!ids.IsEmpty && !banned.Any(known => known.SequenceEqual(ids)))
                {
                    banned.Add(ids);
                }
            }
        }

        return banned.ToImmutable();
    }

    private static ImmutableDictionary<int, float> LogitBias(JsonField? field, int vocabulary)
    {
        if (field is not { } map)
        {
            return ImmutableDictionary<int, float>.Empty;
        }

        ImmutableDictionary<int, float>.Builder biases = ImmutableDictionary.CreateBuilder<int, float>();
        foreach ((string name, JsonField value) in map.Entries(RequestLimits.MaxLogitBias))
        {
            bool isId = int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int id) && id < vocabulary;
            if (!isId || !biases.TryAdd(id, (float)value.Number(-100, 100)))
            {
                throw value.Invalid($"the name of an entry is a token id from 0 to {vocabulary - 1}, each given once");
            }
        }

        return biases.ToImmutable();
    }

    private static float? Number(JsonField? field, double min, double max) => field is { } value ? (float)value.Number(min, max) : null;

    // Logits divided by less would overflow; the draw would be greedy anyhow.
    private static float? Temperature(JsonField? field) => Number(field, 0, 2) is { } value ? value < LeastTemperature ? 0 : value : null;

    // The smallest doubles would become 0 as floats.
    private static float? TopP(JsonField? field) => field is { } value ? Math.Max((float)value.Number(0, 1, minExcluded: true), float.Epsilon) : null;
}
