using System.Globalization;
using System.Reflection;
using CommandLine;
using Moesaic.Cli.Hosting;

namespace Moesaic.Cli.Verbs;

/// <summary>Settings by the name of their flag: from the command line, else the environment, else the configuration file.</summary>
internal sealed class ServeSettings
{
    private const string ConfigOption = "config";

    private readonly Dictionary<string, IReadOnlyList<ServeSetting>> _values = new(StringComparer.Ordinal);

    /// <param name="options">The flags.</param>
    /// <param name="environment">Value of a variable, or null.</param>
    /// <exception cref="UsageException">The configuration file cannot be used.</exception>
    public ServeSettings(ServeOptions options, Func<string, string?> environment)
    {
        Dictionary<string, bool> names = [];
        foreach (PropertyInfo property in typeof(ServeOptions).GetProperties())
        {
            if (property.GetCustomAttribute<OptionAttribute>() is not { LongName: var name })
            {
                continue;
            }

            bool isList = property.GetCustomAttribute<RepeatableAttribute>() is not null;
            names.Add(name, isList);
            string variable = Variable(name);
            if (property.GetValue(options) is string flag)
            {
                _values[name] = [.. (isList ? RepeatedValues.Split(flag) : [flag]).Select(v => new ServeSetting(v, "--" + name))];
            }
            else if (environment(variable) is { Length: > 0 } value)
            {
                string[] parts = isList ? value.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) : [value];
                _values[name] = [.. parts.Select(v => new ServeSetting(v, variable))];
            }
        }

        if (Find(ConfigOption) is { } file)
        {
            names.Remove(ConfigOption);
            foreach ((string name, IReadOnlyList<ServeSetting> values) in ServeConfigFile.Read(file, names))
            {
                _values.TryAdd(name, values);
            }
        }
    }

    /// <summary>The variable of a flag: <c>MOESAIC_MAX_SEQUENCES</c> for <c>max-sequences</c>.</summary>
    public static string Variable(string name) => "MOESAIC_" + name.Replace('-', '_').ToUpperInvariant();

    public ServeSetting? Find(string name) => _values.TryGetValue(name, out IReadOnlyList<ServeSetting>? values) && values.Count > 0 ? values[0] : null;

    public IReadOnlyList<ServeSetting> All(string name) => _values.GetValueOrDefault(name, []);

    /// <exception cref="UsageException">It is no whole number of the range.</exception>
    public int? Integer(string name, int min, int max = int.MaxValue) => Find(name) is not { } setting ? null
        : int.TryParse(setting.Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value) && value >= min && value <= max
            ? value
            : throw setting.Error($"a whole number from {min} to {max}");

    /// <summary>Seconds.</summary>
    /// <exception cref="UsageException">It is no number of the range.</exception>
    public TimeSpan? Seconds(string name, double min) => Find(name) is not { } setting ? null
        : double.TryParse(setting.Value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value) && value >= min && value <= MaxSeconds
            ? TimeSpan.FromSeconds(value)
            : throw setting.Error($"seconds from {min} to {MaxSeconds}");

    /// <summary>Bytes, from a number with or without one of KiB, MiB, GiB, TiB.</summary>
    /// <exception cref="UsageException">It is no size, or out of range.</exception>
    public long? Bytes(string name, long min, long max) => Find(name) is not { } setting ? null
        : TryBytes(setting.Value, out long value) && value >= min && value <= max
            ? value
            : throw setting.Error($"a size such as 512MiB or 2GiB, from {min} to {max} bytes");

    /// <exception cref="UsageException">It is neither on nor off.</exception>
    public bool Switch(string name, bool absent) => Find(name) is not { } setting ? absent : setting.Value.ToLowerInvariant() switch
    {
        "on" or "true" or "1" => true,
        "off" or "false" or "0" => false,
        _ => throw setting.Error("on or off"),
    };

    private const double MaxSeconds = 604_800;

    private static bool TryBytes(string text, out long bytes)
    {
        long unit = 1;
        foreach ((string suffix, int shift) in Units)
        {
            if (text.EndsWith(suffix, StringComparison.OrdinalIgnoreCase))
            {
                unit = 1L << shift;
                text = text[..^suffix.Length].TrimEnd();
                break;
            }
        }

        bytes = 0;
        if (!double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number) || number * unit >= long.MaxValue)
        {
            return false;
        }

        bytes = (long)(number * unit);
        return true;
    }

    private static (string Suffix, int Shift)[] Units { get; } = [("KiB", 10), ("MiB", 20), ("GiB", 30), ("TiB", 40)];
}
