using Moesaic.Models.Configurations;

namespace Moesaic.Engine;

/// <summary>Reads the sampling that a model's author recommends in <c>generation_config.json</c>.</summary>
internal static class GenerationDefaults
{
    /// <summary>Greedy where there is no such file or it does not ask for sampling.</summary>
    /// <exception cref="Models.ModelFormatException">A value has a wrong type or lies outside its range.</exception>
    public static SamplingParameters Read(JsonConfig? config)
    {
        SamplingParameters greedy = new() { Temperature = 0 };
        if (config is null)
        {
            return greedy;
        }

        float penalty = Number(config, "repetition_penalty", 1, double.Epsilon, 1e6);
        if (!config.GetBoolean("do_sample", absent: false))
        {
            return greedy with { RepetitionPenalty = penalty };
        }

        return new SamplingParameters
        {
            Temperature = Number(config, "temperature", 1, 0, 1e6),
            TopK = config.GetInt32InRange("top_k", 0, int.MaxValue, absent: 0),
            TopP = Number(config, "top_p", 1, double.Epsilon, 1),
            MinP = Number(config, "min_p", 0, 0, 0.999999),
            RepetitionPenalty = penalty,
        };
    }

    private static float Number(JsonConfig config, string key, double absent, double min, double max)
    {
        double value = config.GetDouble(key, absent);
        return value >= min && value <= max ? (float)value : throw config.Error(key, $"the value {value} lies outside {min} to {max}.");
    }
}
