using System.Diagnostics.CodeAnalysis;

namespace Moesaic.Models.Configurations;

/// <summary>
/// Typed access to a model's configuration that remembers which keys were read. After a family has read what it
/// understands, <see cref="RequireAllRead"/> refuses whatever is left, so that no option is ignored silently.
/// <c>TryGet</c> returns false where the key is absent (or null); every getter throws where the value has a wrong type.
/// Not thread-safe.
/// </summary>
public abstract class ConfigReader
{
    private readonly HashSet<string> _read = new(StringComparer.Ordinal);

    private protected ConfigReader(string file) => File = file;

    /// <summary>The file that the values come from, for messages.</summary>
    public string File { get; }

    /// <summary>Whether the key is there with a value other than null. Does not count as reading it.</summary>
    public abstract bool Has(string key);

    public abstract bool TryGetInt64(string key, out long value);

    public abstract bool TryGetDouble(string key, out double value);

    public abstract bool TryGetBoolean(string key, out bool value);

    public abstract bool TryGetString(string key, [NotNullWhen(true)] out string? value);

    public abstract bool TryGetInt32Array(string key, [NotNullWhen(true)] out int[]? value);

    public abstract bool TryGetDoubleArray(string key, [NotNullWhen(true)] out double[]? value);

    public abstract bool TryGetBooleanArray(string key, [NotNullWhen(true)] out bool[]? value);

    public abstract bool TryGetStringArray(string key, [NotNullWhen(true)] out string[]? value);

    /// <summary>Keys with a value that nobody has read yet, in file order.</summary>
    public abstract IEnumerable<string> UnreadKeys { get; }

    public bool TryGetInt32(string key, out int value)
    {
        bool present = TryGetInt64(key, out long wide);
        value = wide is >= int.MinValue and <= int.MaxValue ? (int)wide : throw Error(key, $"the value {wide} does not fit 32 bits.");
        return present;
    }

    public int GetInt32(string key) => TryGetInt32(key, out int value) ? value : throw Missing(key, "an integer");

    public int GetInt32(string key, int absent) => TryGetInt32(key, out int value) ? value : absent;

    /// <summary>A size, count or id, checked against a range: configurations are untrusted, and sizes get multiplied.</summary>
    /// <exception cref="ModelFormatException">The key is missing or the value lies outside [min, max].</exception>
    public int GetInt32InRange(string key, int min, int max) => CheckRange(key, GetInt32(key), min, max);

    /// <summary>As the other overload, with a value for when the key is absent.</summary>
    public int GetInt32InRange(string key, int min, int max, int absent) => TryGetInt32(key, out int value) ? CheckRange(key, value, min, max) : absent;

    public double GetDouble(string key) => TryGetDouble(key, out double value) ? value : throw Missing(key, "a number");

    public double GetDouble(string key, double absent) => TryGetDouble(key, out double value) ? value : absent;

    public bool GetBoolean(string key) => TryGetBoolean(key, out bool value) ? value : throw Missing(key, "true or false");

    public bool GetBoolean(string key, bool absent) => TryGetBoolean(key, out bool value) ? value : absent;

    public string GetString(string key) => TryGetString(key, out string? value) ? value : throw Missing(key, "a string");

    public string GetString(string key, string absent) => TryGetString(key, out string? value) ? value : absent;

    public int[] GetInt32Array(string key) => TryGetInt32Array(key, out int[]? value) ? value : throw Missing(key, "an array of integers");

    public double[] GetDoubleArray(string key) => TryGetDoubleArray(key, out double[]? value) ? value : throw Missing(key, "an array of numbers");

    /// <summary>Reads a switch that this program supports in one position only; absent counts as that position.</summary>
    /// <exception cref="ModelFormatException">The switch is in the other position.</exception>
    public void RequireBoolean(string key, bool expected)
    {
        if (TryGetBoolean(key, out bool value) && value != expected)
        {
            throw Error(key, $"the value {Text(value)} is not supported for this model; expected {Text(expected)}.");
        }

        static string Text(bool value) => value ? "true" : "false";
    }

    /// <summary>Reads a choice of which only some are supported; absent is accepted.</summary>
    /// <exception cref="ModelFormatException">The value is another one.</exception>
    public void RequireString(string key, params ReadOnlySpan<string> supported)
    {
        if (TryGetString(key, out string? value) && !supported.Contains(value))
        {
            throw Error(key, $"the value '{value}' is not supported for this model; expected {string.Join(" or ", supported.ToArray().Select(s => $"'{s}'"))}.");
        }
    }

    /// <summary>Declares keys as known and without effect on this program, whatever their value.</summary>
    public void Ignore(params ReadOnlySpan<string> keys)
    {
        foreach (string key in keys)
        {
            _read.Add(key);
        }
    }

    /// <summary>Refuses every key that has a value and was neither read nor declared ignorable.</summary>
    /// <exception cref="ModelFormatException">There is such a key; the first few are named.</exception>
    public void RequireAllRead()
    {
        string[] unread = [.. UnreadKeys.Take(6)];
        if (unread.Length > 0)
        {
            throw Error(unread[0], unread.Length == 1
                ? $"this option ({Describe(unread[0])}) is not supported."
                : $"this option ({Describe(unread[0])}) is not supported; nor are {string.Join(", ", unread.Skip(1).Take(4))}{(unread.Length > 5 ? ", ..." : "")}.");
        }
    }

    /// <summary>An error about a key of this configuration.</summary>
    public ModelFormatException Error(string key, string message) => new(File, FullName(key), message);

    /// <summary>The key as the file spells it, with the names of the objects around it.</summary>
    private protected virtual string FullName(string key) => key;

    /// <summary>The value's text, shortened, for messages.</summary>
    private protected abstract string Describe(string key);

    private protected void MarkRead(string key) => _read.Add(key);

    private protected bool WasRead(string key) => _read.Contains(key);

    private protected ModelFormatException Missing(string key, string expected) => Error(key, $"this key is missing; expected {expected}.");

    private int CheckRange(string key, int value, int min, int max) =>
        value >= min && value <= max ? value : throw Error(key, $"the value {value} lies outside {min} to {max}.");
}
