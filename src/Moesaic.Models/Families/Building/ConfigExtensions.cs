using System.Globalization;
using Moesaic.Models.Checkpoints.Gguf;
using Moesaic.Models.Configurations;

namespace Moesaic.Models.Families;

/// <summary>Reads that families share.</summary>
internal static class ConfigExtensions
{
    /// <summary>An integer within a range, or null when absent.</summary>
    public static int? TryGetInt32InRange(this ConfigReader config, string key, int min, int max) =>
        config.Has(key) ? config.GetInt32InRange(key, min, max) : null;

    /// <summary>The one of two spellings of a key that a file uses; the first where it has neither.</summary>
    /// <exception cref="ModelFormatException">Both are there with different integers.</exception>
    public static string Spelling(this ConfigReader config, string key, string other)
    {
        if (!config.Has(other))
        {
            return key;
        }

        if (config.Has(key) && config.GetInt32(key) != config.GetInt32(other))
        {
            throw config.Error(other, $"it says {config.GetInt32(other)}, while {key} says {config.GetInt32(key)}.");
        }

        return other;
    }

    /// <summary>A finite number above 0.</summary>
    public static double GetPositive(this ConfigReader config, string key)
    {
        double value = config.GetDouble(key);
        return value > 0 ? value : throw config.Error(key, $"the value {Text(value)} is not above 0.");
    }

    /// <summary>Refuses any other number; absent is accepted.</summary>
    public static void RequireNumber(this ConfigReader config, string key, params ReadOnlySpan<double> supported)
    {
        if (!config.Has(key))
        {
            config.Ignore(key);
            return;
        }

        double value = config is GgufConfig gguf && gguf.Metadata.TryGetValue($"{gguf.Architecture}.{key}", out GgufValue found) && GgufValue.IsInteger(found.Type)
            ? config.GetInt32(key)
            : config.GetDouble(key);
        if (!supported.Contains(value))
        {
            throw config.Error(key, $"the value {Text(value)} is not supported for this model; expected {string.Join(" or ", supported.ToArray().Select(Text))}.");
        }
    }

    /// <summary>Refuses a dimension that is no multiple of another.</summary>
    public static void RequireMultiple(this ConfigReader config, string key, int value, string divisorKey, int divisor)
    {
        if (value % divisor != 0)
        {
            throw config.Error(key, $"the value {value} is not a multiple of {divisorKey}, which is {divisor}.");
        }
    }

    /// <summary>A value that a GGUF file gives once or for each layer, all the same; null when absent.</summary>
    public static int? TryGetUniform(this GgufConfig config, string key, int numLayers, int min, int max)
    {
        if (!config.TryGetInt32PerLayer(key, numLayers, out int[]? values))
        {
            return null;
        }

        if (values.AsSpan().ContainsAnyExcept(values[0]))
        {
            throw config.Error(key, $"layers with different values ({string.Join(", ", values.Take(8))}, ...) are not supported for this model.");
        }

        return values[0] >= min && values[0] <= max ? values[0] : throw config.Error(key, $"the value {values[0]} lies outside {min} to {max}.");
    }

    private static string Text(double value) => value.ToString(CultureInfo.InvariantCulture);
}
