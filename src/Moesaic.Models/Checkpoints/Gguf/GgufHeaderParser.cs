using System.Buffers.Binary;
using System.Numerics;

namespace Moesaic.Models.Checkpoints.Gguf;

/// <summary>
/// Parses and checks a GGUF header (magic, version, metadata, tensor directory). Layout: the GGUF specification in the
/// ggml project; all integers are little-endian.
/// </summary>
internal static class GgufHeaderParser
{
    private const uint Magic = 0x4655_4747; // "GGUF"
    private const int MaxKeyBytes = 65_535;
    private const int MaxTensorNameBytes = 1_024;
    private const int MaxDimensions = 4;
    private const uint MaxTypeId = ushort.MaxValue;
    private const uint DefaultAlignment = 32;
    private const uint MaxAlignment = 1 << 20;

    // Smallest record of each kind: an empty string or array costs its length field.
    private const int MinPairBytes = 8 + 4 + 1;
    private const int MinTensorBytes = 8 + 4 + 4 + 8;

    /// <exception cref="ModelFormatException">Anything in the header is wrong.</exception>
    public static GgufHeader Parse(Stream stream, string file)
    {
        GgufHeaderReader reader = new(stream, file);
        uint version = ReadVersion(reader);
        ulong tensorCount = reader.ReadUInt64();
        ulong pairCount = reader.ReadUInt64();
        reader.Field = "header: metadata count";
        reader.Require(pairCount, MinPairBytes);
        reader.Field = "header: tensor count";
        reader.Require(tensorCount, MinTensorBytes);

        GgufMetadata metadata = ReadMetadata(reader, pairCount);
        uint alignment = ReadAlignment(metadata);
        List<GgufTensorEntry> tensors = ReadTensors(reader, tensorCount, alignment);
        long dataStart = checked((reader.Position + alignment - 1) / alignment * alignment);
        CheckPlacement(reader, tensors, dataStart);
        return new GgufHeader(version, metadata, tensors, dataStart);
    }

    private static uint ReadVersion(GgufHeaderReader reader)
    {
        uint magic = reader.Length >= 4 ? reader.ReadUInt32() : 0;
        if (magic != Magic)
        {
            throw reader.Error(magic == BinaryPrimitives.ReverseEndianness(Magic)
                ? "the magic bytes are byte-swapped (FUGG); expected GGUF."
                : $"this is not a GGUF file: it starts with 0x{magic:x8}, expected 0x{Magic:x8} (GGUF).");
        }

        reader.Field = "header: version";
        uint version = reader.ReadUInt32();
        return version switch
        {
            2 or 3 => version,
            1 => throw reader.Error("GGUF version 1 is not supported (2 and 3 are); convert the model again."),
            _ when BinaryPrimitives.ReverseEndianness(version) is > 0 and < 100 =>
                throw reader.Error("the file is big-endian; only little-endian GGUF files are supported."),
            _ => throw reader.Error($"GGUF version {version} is not supported (2 and 3 are)."),
        };
    }

    private static GgufMetadata ReadMetadata(GgufHeaderReader reader, ulong count)
    {
        Dictionary<string, GgufValue> values = new(StringComparer.Ordinal);
        for (ulong i = 0; i < count; i++)
        {
            reader.Field = "metadata key";
            string key = reader.ReadString(MaxKeyBytes, "a metadata key");
            reader.Field = key.Length > 0 ? key : throw reader.Error($"metadata key {i} is empty.");
            GgufValue value = GgufValueParser.Read(reader);
            if (!values.TryAdd(key, value))
            {
                throw reader.Error("this metadata key occurs twice.");
            }
        }

        return new GgufMetadata(reader.File, values);
    }

    private static uint ReadAlignment(GgufMetadata metadata)
    {
        const string key = "general.alignment";
        if (!metadata.TryGetUInt32(key, out uint alignment))
        {
            return DefaultAlignment;
        }

        return BitOperations.IsPow2(alignment) && alignment <= MaxAlignment
            ? alignment
            : throw new ModelFormatException(metadata.File, key, $"the value {alignment} is not a power of two up to {MaxAlignment}.");
    }

    private static List<GgufTensorEntry> ReadTensors(GgufHeaderReader reader, ulong count, uint alignment)
    {
        List<GgufTensorEntry> tensors = [];
        HashSet<string> names = new(StringComparer.Ordinal);
        for (ulong i = 0; i < count; i++)
        {
            reader.Field = "tensor directory";
            string name = reader.ReadString(MaxTensorNameBytes, "a tensor name");
            reader.Field = name.Length > 0 ? name : throw reader.Error($"tensor {i} has an empty name.");
            tensors.Add(names.Add(name) ? ReadTensor(reader, name, alignment) : throw reader.Error("this tensor occurs twice in the directory."));
        }

        return tensors;
    }

    private static GgufTensorEntry ReadTensor(GgufHeaderReader reader, string name, uint alignment)
    {
        uint dimensionCount = reader.ReadUInt32();
        if (dimensionCount > MaxDimensions)
        {
            throw reader.Error($"the tensor has {dimensionCount} dimensions; at most {MaxDimensions} are allowed.");
        }

        long[] dimensions = new long[dimensionCount];
        long elements = 1;
        for (int d = 0; d < dimensions.Length; d++)
        {
            ulong size = reader.ReadUInt64();
            if (size == 0 || size > long.MaxValue || (long)size > long.MaxValue / elements)
            {
                throw reader.Error($"dimension {d} is {size}: dimensions must be positive and their product must fit 63 bits.");
            }

            dimensions[d] = (long)size;
            elements *= (long)size;
        }

        uint type = reader.ReadUInt32();
        ElementFormat format = type <= MaxTypeId ? ElementFormats.FromGgml((int)type) : throw reader.Error($"the type id {type} is absurd.");
        ulong offset = reader.ReadUInt64();
        if (offset % alignment != 0 || offset > (ulong)reader.Length)
        {
            throw reader.Error($"the data offset {offset} must be a multiple of the alignment {alignment} and inside the file of {reader.Length} bytes.");
        }

        return new GgufTensorEntry(name, format, dimensions, elements, ByteLengthOf(reader, format, dimensions, elements), (long)offset);
    }

    private static long ByteLengthOf(GgufHeaderReader reader, ElementFormat format, long[] dimensions, long elements)
    {
        if (!ElementFormats.TryGetBlock(format, out int blockElements, out int blockBytes))
        {
            return -1;
        }

        long row = dimensions.Length > 0 ? dimensions[0] : 1;
        if (row % blockElements != 0)
        {
            throw reader.Error($"rows of {row} elements cannot be cut into {format} blocks of {blockElements}.");
        }

        long blocks = elements / blockElements;
        return blocks <= long.MaxValue / blockBytes
            ? blocks * blockBytes
            : throw reader.Error($"{elements} elements of {format} overflow 63-bit byte counts.");
    }

    /// <summary>Every tensor lies inside the file, and no two share bytes. Gaps are padding and allowed.</summary>
    private static void CheckPlacement(GgufHeaderReader reader, List<GgufTensorEntry> tensors, long dataStart)
    {
        if (tensors.Count == 0)
        {
            return;
        }

        long dataLength = reader.Length - dataStart;
        GgufTensorEntry[] byOffset = [.. tensors];
        Array.Sort(byOffset, static (a, b) => a.DataOffset != b.DataOffset
            ? a.DataOffset.CompareTo(b.DataOffset)
            : a.ByteLength.CompareTo(b.ByteLength));
        GgufTensorEntry? previous = null;
        foreach (GgufTensorEntry tensor in byOffset)
        {
            reader.Field = tensor.Name;
            if (dataLength < 0 || tensor.DataOffset > dataLength || tensor.ByteLength > dataLength - tensor.DataOffset)
            {
                throw reader.Error($"its data (offset {tensor.DataOffset}, {Math.Max(tensor.ByteLength, 0)} bytes) reaches past the data section of {Math.Max(dataLength, 0)} bytes: the file is truncated or corrupt.");
            }

            if (previous is not null && tensor.DataOffset < previous.DataOffset + previous.ByteLength)
            {
                throw reader.Error($"its data (offset {tensor.DataOffset}) overlaps tensor '{previous.Name}' ({previous.DataOffset} to {previous.DataOffset + previous.ByteLength}).");
            }

            previous = tensor;
        }
    }
}
