using System.Diagnostics.CodeAnalysis;

namespace Moesaic.Models.Checkpoints.Gguf;

/// <summary>
/// The key-value part of a GGUF file with typed getters. A getter accepts every stored integer type whose value fits
/// the wanted one (writers differ in the width they choose). <c>Get</c> throws where the key is absent; <c>TryGet</c>
/// returns false; both throw where the value has another type or does not fit, naming file, key, and both types.
/// </summary>
public sealed class GgufMetadata
{
    private readonly Dictionary<string, GgufValue> _values;

    internal GgufMetadata(string file, Dictionary<string, GgufValue> values)
    {
        File = file;
        _values = values;
    }

    /// <summary>The file that the values come from, for messages.</summary>
    public string File { get; }

    /// <summary>Every key, in file order.</summary>
    public IReadOnlyCollection<string> Keys => _values.Keys;

    /// <summary>The architecture string, <c>general.architecture</c>, which is also the prefix of the hyper-parameter keys.</summary>
    public string Architecture => GetString("general.architecture");

    public bool Contains(string key) => _values.ContainsKey(key);

    public bool TryGetValue(string key, out GgufValue value) => _values.TryGetValue(key, out value);

    public string GetString(string key) => TryGetString(key, out string? value) ? value : throw Missing(key, "string");

    public bool TryGetString(string key, [NotNullWhen(true)] out string? value)
    {
        value = null;
        if (!_values.TryGetValue(key, out GgufValue found))
        {
            return false;
        }

        value = found.Type == GgufValueType.String ? found.Text : throw WrongType(key, "string", found);
        return true;
    }

    public bool GetBoolean(string key) => TryGetBoolean(key, out bool value) ? value : throw Missing(key, "bool");

    public bool TryGetBoolean(string key, out bool value)
    {
        value = false;
        if (!_values.TryGetValue(key, out GgufValue found))
        {
            return false;
        }

        value = found.Type == GgufValueType.Bool ? found.Boolean : throw WrongType(key, "bool", found);
        return true;
    }

    public uint GetUInt32(string key) => TryGetUInt32(key, out uint value) ? value : throw Missing(key, "u32");

    public bool TryGetUInt32(string key, out uint value)
    {
        bool present = TryGetInteger(key, uint.MinValue, uint.MaxValue, "u32", out long wide);
        value = (uint)wide;
        return present;
    }

    public int GetInt32(string key) => TryGetInt32(key, out int value) ? value : throw Missing(key, "i32");

    public bool TryGetInt32(string key, out int value)
    {
        bool present = TryGetInteger(key, int.MinValue, int.MaxValue, "i32", out long wide);
        value = (int)wide;
        return present;
    }

    public long GetInt64(string key) => TryGetInt64(key, out long value) ? value : throw Missing(key, "i64");

    public bool TryGetInt64(string key, out long value) => TryGetInteger(key, long.MinValue, long.MaxValue, "i64", out value);

    public double GetDouble(string key) => TryGetDouble(key, out double value) ? value : throw Missing(key, "f32 or f64");

    public bool TryGetDouble(string key, out double value)
    {
        value = 0;
        if (!_values.TryGetValue(key, out GgufValue found))
        {
            return false;
        }

        return found.TryGetDouble(out value) ? true : throw WrongType(key, "f32 or f64", found);
    }

    public float GetSingle(string key) => (float)GetDouble(key);

    public bool TryGetSingle(string key, out float value)
    {
        bool present = TryGetDouble(key, out double wide);
        value = (float)wide;
        return present;
    }

    /// <summary>An array of any integer type, as int.</summary>
    public int[] GetInt32Array(string key) => TryGetInt32Array(key, out int[]? value) ? value : throw Missing(key, "array of i32");

    public bool TryGetInt32Array(string key, [NotNullWhen(true)] out int[]? value)
    {
        value = null;
        if (!_values.TryGetValue(key, out GgufValue found))
        {
            return false;
        }

        // Decided by the stored type: at run time a uint[] also passes for an int[].
        value = (found.Type == GgufValueType.Array ? found.ElementType : GgufValueType.Array) switch
        {
            GgufValueType.UInt8 => Array.ConvertAll((byte[])found.Elements!, e => (int)e),
            GgufValueType.Int8 => Array.ConvertAll((sbyte[])found.Elements!, e => (int)e),
            GgufValueType.UInt16 => Array.ConvertAll((ushort[])found.Elements!, e => (int)e),
            GgufValueType.Int16 => Array.ConvertAll((short[])found.Elements!, e => (int)e),
            GgufValueType.UInt32 => Array.ConvertAll((uint[])found.Elements!, e => e <= int.MaxValue ? (int)e : throw OutOfRange(key, e)),
            GgufValueType.Int32 => (int[])found.Elements!,
            GgufValueType.UInt64 => Array.ConvertAll((ulong[])found.Elements!, e => e <= int.MaxValue ? (int)e : throw OutOfRange(key, e)),
            GgufValueType.Int64 => Array.ConvertAll((long[])found.Elements!, e => e is >= int.MinValue and <= int.MaxValue ? (int)e : throw OutOfRange(key, e)),
            _ => throw WrongType(key, "array of i32", found),
        };
        return true;
    }

    /// <summary>An array of f32 or f64, as float.</summary>
    public float[] GetSingleArray(string key) => TryGetSingleArray(key, out float[]? value) ? value : throw Missing(key, "array of f32");

    public bool TryGetSingleArray(string key, [NotNullWhen(true)] out float[]? value)
    {
        value = null;
        if (!_values.TryGetValue(key, out GgufValue found))
        {
            return false;
        }

        value = found.Elements switch
        {
            float[] elements => elements,
            double[] elements => Array.ConvertAll(elements, e => (float)e),
            _ => throw WrongType(key, "array of f32", found),
        };
        return true;
    }

    public bool[] GetBooleanArray(string key) => TryGetArray(key, "array of bool", out bool[]? value) ? value : throw Missing(key, "array of bool");

    public bool TryGetBooleanArray(string key, [NotNullWhen(true)] out bool[]? value) => TryGetArray(key, "array of bool", out value);

    /// <summary>An array of u8 or i8 as raw bytes.</summary>
    public byte[] GetByteArray(string key) => TryGetByteArray(key, out byte[]? value) ? value : throw Missing(key, "array of u8");

    public bool TryGetByteArray(string key, [NotNullWhen(true)] out byte[]? value)
    {
        value = null;
        if (!_values.TryGetValue(key, out GgufValue found))
        {
            return false;
        }

        // Decided by the stored type: at run time an sbyte[] also passes for a byte[].
        value = found.ElementType switch
        {
            GgufValueType.UInt8 when found.Elements is byte[] elements => elements,
            GgufValueType.Int8 when found.Elements is sbyte[] elements => Array.ConvertAll(elements, e => unchecked((byte)e)),
            _ => throw WrongType(key, "array of u8", found),
        };
        return true;
    }

    /// <summary>An array of strings, decoded. For large vocabularies prefer <see cref="GetStringTable"/>.</summary>
    public string[] GetStringArray(string key) => GetStringTable(key).ToArray();

    public bool TryGetStringArray(string key, [NotNullWhen(true)] out string[]? value)
    {
        value = TryGetStringTable(key, out GgufStringTable? table) ? table.ToArray() : null;
        return value is not null;
    }

    /// <summary>An array of strings, kept as UTF-8.</summary>
    public GgufStringTable GetStringTable(string key) => TryGetStringTable(key, out GgufStringTable? value) ? value : throw Missing(key, "array of string");

    public bool TryGetStringTable(string key, [NotNullWhen(true)] out GgufStringTable? value) => TryGetArray(key, "array of string", out value);

    private bool TryGetArray<T>(string key, string expected, [NotNullWhen(true)] out T? value)
        where T : class
    {
        value = null;
        if (!_values.TryGetValue(key, out GgufValue found))
        {
            return false;
        }

        value = found.Elements as T ?? throw WrongType(key, expected, found);
        return true;
    }

    private bool TryGetInteger(string key, long min, long max, string expected, out long value)
    {
        value = 0;
        if (!_values.TryGetValue(key, out GgufValue found))
        {
            return false;
        }

        if (!GgufValue.IsInteger(found.Type))
        {
            throw WrongType(key, expected, found);
        }

        return found.TryGetInt64(out value) && value >= min && value <= max
            ? true
            : throw new ModelFormatException(File, key, $"the value {found.Describe()} does not fit {expected}.");
    }

    private ModelFormatException Missing(string key, string expected) => new(File, key, $"this key is missing; expected a value of type {expected}.");

    private ModelFormatException WrongType(string key, string expected, GgufValue found) => new(File, key, $"expected {expected}, found {found.Describe()}.");

    private ModelFormatException OutOfRange(string key, object element) => new(File, key, $"the element {element} does not fit i32.");
}
