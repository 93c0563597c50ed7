namespace Moesaic.Models.Checkpoints.Gguf;

/// <summary>One metadata value: a scalar, a string, or an array of either (or of arrays).</summary>
public readonly struct GgufValue
{
    private readonly ulong _bits;
    private readonly object? _payload;

    private GgufValue(GgufValueType type, GgufValueType elementType, ulong bits, object? payload)
    {
        Type = type;
        ElementType = elementType;
        _bits = bits;
        _payload = payload;
    }

    /// <summary>The stored type.</summary>
    public GgufValueType Type { get; }

    /// <summary>The stored type of the elements where <see cref="Type"/> is an array; else the same as <see cref="Type"/>.</summary>
    public GgufValueType ElementType { get; }

    /// <summary>Number of elements of an array; 1 for anything else.</summary>
    public int Count => _payload switch
    {
        Array array => array.Length,
        GgufStringTable table => table.Count,
        _ => 1,
    };

    /// <summary>
    /// The elements of an array: a primitive array of the stored type (byte[], sbyte[], ... bool[]), a
    /// <see cref="GgufStringTable"/>, or GgufValue[] for nested arrays; null for scalars.
    /// </summary>
    public object? Elements => Type == GgufValueType.Array ? _payload : null;

    internal string Text => (string)_payload!;

    internal bool Boolean => _bits != 0;

    internal static GgufValue FromString(string text) => new(GgufValueType.String, GgufValueType.String, 0, text);

    internal static GgufValue FromArray(GgufValueType elementType, object elements) => new(GgufValueType.Array, elementType, 0, elements);

    /// <summary>A scalar; signed integers are sign-extended to 64 bits, floats are held as float64 bits.</summary>
    internal static GgufValue FromBits(GgufValueType type, ulong bits) => new(type, type, bits, null);

    /// <summary>The value as a 64-bit integer if it is of an integer type and fits.</summary>
    internal bool TryGetInt64(out long value)
    {
        value = unchecked((long)_bits);
        return IsInteger(Type) && (Type != GgufValueType.UInt64 || value >= 0);
    }

    /// <summary>The value as a float64 if it is of a floating-point type.</summary>
    internal bool TryGetDouble(out double value)
    {
        value = BitConverter.UInt64BitsToDouble(_bits);
        return Type is GgufValueType.Float32 or GgufValueType.Float64;
    }

    /// <summary>"u32", "array of string" and so on, for messages.</summary>
    internal string DescribeType() => Type == GgufValueType.Array ? $"array of {NameOf(ElementType)}" : NameOf(Type);

    /// <summary>The type with the value itself where that is short, for messages.</summary>
    internal string Describe() => Type switch
    {
        GgufValueType.Array => $"{DescribeType()} with {Count} elements",
        GgufValueType.String => $"string '{(Text.Length > 64 ? string.Concat(Text.AsSpan(0, 64), "...") : Text)}'",
        GgufValueType.Bool => $"bool {(Boolean ? "true" : "false")}",
        GgufValueType.Float32 or GgufValueType.Float64 => $"{NameOf(Type)} {BitConverter.UInt64BitsToDouble(_bits)}",
        GgufValueType.UInt64 => $"u64 {_bits}",
        _ => $"{NameOf(Type)} {unchecked((long)_bits)}",
    };

    internal static bool IsInteger(GgufValueType type) => type is GgufValueType.UInt8 or GgufValueType.Int8
        or GgufValueType.UInt16 or GgufValueType.Int16 or GgufValueType.UInt32 or GgufValueType.Int32
        or GgufValueType.UInt64 or GgufValueType.Int64;

    internal static string NameOf(GgufValueType type) => type switch
    {
        GgufValueType.UInt8 => "u8",
        GgufValueType.Int8 => "i8",
        GgufValueType.UInt16 => "u16",
        GgufValueType.Int16 => "i16",
        GgufValueType.UInt32 => "u32",
        GgufValueType.Int32 => "i32",
        GgufValueType.Float32 => "f32",
        GgufValueType.Bool => "bool",
        GgufValueType.String => "string",
        GgufValueType.Array => "array",
        GgufValueType.UInt64 => "u64",
        GgufValueType.Int64 => "i64",
        GgufValueType.Float64 => "f64",
        _ => $"type {(uint)type}",
    };
}
