using System.Collections.Immutable;
using System.Globalization;
using Moesaic.Cli.Hosting;
using Moesaic.Engine;

namespace Moesaic.Cli.Verbs;

/// <summary>The sampling that a command line asks for, over what the model recommends.</summary>
internal sealed class SamplingRequest
{
    private readonly SamplingOptions _options;
    private readonly ImmutableDictionary<int, float> _bias;
    private readonly ImmutableArray<string> _stops;
    private readonly int _topLogprobs;

    private SamplingRequest(SamplingOptions options, int topLogprobs)
    {
        _options = options;
        _bias = ParseBias(options.LogitBias);
        _stops = [.. RepeatedValues.Split(options.Stop)];
        _topLogprobs = topLogprobs;
    }

    /// <summary>Checks all that can be checked without a model.</summary>
    /// <exception cref="UsageException">A value is impossible.</exception>
    public static SamplingRequest Check(SamplingOptions options, int topLogprobs = 0)
    {
        SamplingRequest request = new(options, topLogprobs);
        _ = request.Over(new SamplingParameters { Temperature = 0 }, int.MaxValue);
        return request;
    }

    /// <summary>The parameters for a model.</summary>
    /// <param name="recommended">What holds where the command line says nothing.</param>
    /// <param name="vocabularySize">Tokens that may be drawn.</param>
    /// <exception cref="UsageException">A value is impossible for the model.</exception>
    public SamplingParameters Over(SamplingParameters recommended, int vocabularySize)
    {
        // A filter of the draw asks for a draw: under a greedy default it would do nothing, unsaid.
        bool filters = _options.TopK > 0 || _options.TopP < 1 || _options.MinP > 0;
        SamplingParameters parameters = recommended with
        {
            Temperature = _options.Temperature ?? (filters && recommended.Temperature == 0 ? 1 : recommended.Temperature),
            TopK = _options.TopK ?? recommended.TopK,
            TopP = _options.TopP ?? recommended.TopP,
            MinP = _options.MinP ?? recommended.MinP,
            RepetitionPenalty = _options.RepetitionPenalty ?? recommended.RepetitionPenalty,
            PresencePenalty = _options.PresencePenalty ?? recommended.PresencePenalty,
            FrequencyPenalty = _options.FrequencyPenalty ?? recommended.FrequencyPenalty,
            LogitBias = _bias,
            Seed = _options.Seed,
            MaxTokens = _options.MaxTokens,
            StopStrings = _stops,
            IgnoreEndIds = _options.IgnoreEnd,
            TopLogprobs = _topLogprobs,
        };
        try
        {
            parameters.Validate(vocabularySize);
            return parameters;
        }
        catch (ArgumentException exception)
        {
            string message = ModelLoading.Message(exception);
            string name = exception.ParamName ?? "";
            throw new UsageException(message.StartsWith(name, StringComparison.Ordinal) ? OptionOf(name) + message[name.Length..] : message);
        }
    }

    private static string OptionOf(string parameter) => parameter switch
    {
        nameof(SamplingParameters.StopStrings) => "--stop",
        nameof(SamplingParameters.TopLogprobs) => "--logprobs",
        _ => "--" + string.Concat(parameter.Select((c, i) => char.IsAsciiLetterUpper(c) && i > 0 ? $"-{char.ToLowerInvariant(c)}" : $"{char.ToLowerInvariant(c)}")),
    };

    private static ImmutableDictionary<int, float> ParseBias(string? text)
    {
        ImmutableDictionary<int, float>.Builder biases = ImmutableDictionary.CreateBuilder<int, float>();
        foreach (string item in text?.Split(',', StringSplitOptions.TrimEntries) ?? [])
        {
            int at = item.IndexOf('=', StringComparison.Ordinal);
            if (at < 0
                || !int.TryParse(item.AsSpan(0, at), NumberStyles.None, CultureInfo.InvariantCulture, out int id)
                || !TryParseBias(item[(at + 1)..], out float bias))
            {
                throw new UsageException($"--logit-bias has '{item}'; expected ID=NUMBER, such as 17=-2.5");
            }

            if (!biases.TryAdd(id, bias))
            {
                throw new UsageException($"--logit-bias names the token {id} twice");
            }
        }

        return biases.ToImmutable();
    }

    private static bool TryParseBias(string text, out float bias)
    {
        if (string.Equals(text, "-inf", StringComparison.OrdinalIgnoreCase))
        {
            bias = float.NegativeInfinity;
            return true;
        }

        return float.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out bias) && float.IsFinite(bias);
    }
}
