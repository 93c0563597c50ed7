using System.Runtime.InteropServices;
using System.Text.Unicode;

namespace Moesaic.Models.Checkpoints.Gguf;

/// <summary>Reads metadata values of every type, nested arrays included, within bounds on length and depth.</summary>
internal static class GgufValueParser
{
    /// <summary>The longest single string seen in the wild is a chat template of some 50 kB.</summary>
    private const int MaxStringBytes = 16 << 20;

    private const int MaxArrayElements = 1 << 25;
    private const int MaxArrayDepth = 4;

    /// <summary>A type id and the value.</summary>
    public static GgufValue Read(GgufHeaderReader reader)
    {
        GgufValueType type = ReadType(reader);
        return type switch
        {
            GgufValueType.String => GgufValue.FromString(reader.ReadString(MaxStringBytes, "the string")),
            GgufValueType.Array => ReadArray(reader, depth: 1),
            _ => GgufValue.FromBits(type, ReadScalar(reader, type)),
        };
    }

    private static GgufValueType ReadType(GgufHeaderReader reader)
    {
        uint type = reader.ReadUInt32();
        return type <= (uint)GgufValueType.Float64 ? (GgufValueType)type : throw reader.Error($"value type {type} is unknown; expected 0 to {(int)GgufValueType.Float64}.");
    }

    private static ulong ReadScalar(GgufHeaderReader reader, GgufValueType type) => unchecked(type switch
    {
        GgufValueType.UInt8 => reader.ReadByte(),
        GgufValueType.Int8 => (ulong)(sbyte)reader.ReadByte(),
        GgufValueType.UInt16 => reader.ReadUInt16(),
        GgufValueType.Int16 => (ulong)(short)reader.ReadUInt16(),
        GgufValueType.UInt32 => reader.ReadUInt32(),
        GgufValueType.Int32 => (ulong)(int)reader.ReadUInt32(),
        GgufValueType.Float32 => BitConverter.DoubleToUInt64Bits(BitConverter.UInt32BitsToSingle(reader.ReadUInt32())),
        GgufValueType.Bool => CheckBoolean(reader, reader.ReadByte()),
        _ => reader.ReadUInt64(),
    });

    private static byte CheckBoolean(GgufHeaderReader reader, byte value) =>
        value <= 1 ? value : throw reader.Error($"a bool holds {value}; expected 0 or 1.");

    private static GgufValue ReadArray(GgufHeaderReader reader, int depth)
    {
        if (depth > MaxArrayDepth)
        {
            throw reader.Error($"arrays are nested deeper than {MaxArrayDepth}.");
        }

        GgufValueType type = ReadType(reader);
        ulong claimed = reader.ReadUInt64();
        reader.Require(claimed, MinBytes(type));
        int count = claimed <= MaxArrayElements ? (int)claimed : throw reader.Error($"the array has {claimed} elements; at most {MaxArrayElements} are accepted.");
        return GgufValue.FromArray(type, type switch
        {
            GgufValueType.UInt8 => reader.ReadArray<byte>(count),
            GgufValueType.Int8 => reader.ReadArray<sbyte>(count),
            GgufValueType.UInt16 => reader.ReadArray<ushort>(count),
            GgufValueType.Int16 => reader.ReadArray<short>(count),
            GgufValueType.UInt32 => reader.ReadArray<uint>(count),
            GgufValueType.Int32 => reader.ReadArray<int>(count),
            GgufValueType.Float32 => reader.ReadArray<float>(count),
            GgufValueType.Bool => ReadBooleans(reader, count),
            GgufValueType.String => ReadStrings(reader, count),
            GgufValueType.Array => ReadNested(reader, count, depth),
            GgufValueType.UInt64 => reader.ReadArray<ulong>(count),
            GgufValueType.Int64 => reader.ReadArray<long>(count),
            _ => reader.ReadArray<double>(count),
        });
    }

    private static bool[] ReadBooleans(GgufHeaderReader reader, int count)
    {
        byte[] raw = reader.ReadArray<byte>(count);
        return Array.ConvertAll(raw, b => CheckBoolean(reader, b) != 0);
    }

    private static GgufValue[] ReadNested(GgufHeaderReader reader, int count, int depth)
    {
        List<GgufValue> elements = [];
        for (int i = 0; i < count; i++)
        {
            elements.Add(ReadArray(reader, depth + 1));
        }

        return [.. elements];
    }

    private static GgufStringTable ReadStrings(GgufHeaderReader reader, int count)
    {
        // Grown as entries turn up: the count only proves eight bytes an entry.
        List<byte> bytes = [];
        List<int> ends = [];
        for (int i = 0; i < count; i++)
        {
            int length = reader.ReadLength(MaxStringBytes, "a string in the array");
            int start = bytes.Count;
            CollectionsMarshal.SetCount(bytes, start + length);
            Span<byte> entry = CollectionsMarshal.AsSpan(bytes)[start..];
            reader.ReadExactly(entry);
            ends.Add(Utf8.IsValid(entry) ? bytes.Count : throw reader.Error($"string {i} of the array is not valid UTF-8."));
        }

        return new GgufStringTable([.. bytes], [.. ends]);
    }

    private static int MinBytes(GgufValueType type) => type switch
    {
        GgufValueType.UInt8 or GgufValueType.Int8 or GgufValueType.Bool => 1,
        GgufValueType.UInt16 or GgufValueType.Int16 => 2,
        GgufValueType.UInt32 or GgufValueType.Int32 or GgufValueType.Float32 => 4,
        GgufValueType.Array => 12,
        _ => 8,
    };
}
