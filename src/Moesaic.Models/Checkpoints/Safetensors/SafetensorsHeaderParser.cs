using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Unicode;

namespace Moesaic.Models.Checkpoints.Safetensors;

/// <summary>
/// Parses and checks a safetensors header: u64 length, a JSON object of that many bytes, then the data. The format's
/// rules (its README): the object starts with '{', keys are unique, and the tensors' ranges cover the data section
/// exactly, without holes or overlap.
/// </summary>
internal static class SafetensorsHeaderParser
{
    /// <summary>The format's own limit.</summary>
    private const int MaxHeaderBytes = 100_000_000;

    private const int MaxRank = 16;
    private const string MetadataKey = "__metadata__";
    private static readonly JsonReaderOptions Options = new() { MaxDepth = 8 };

    /// <exception cref="ModelFormatException">Anything in the header is wrong.</exception>
    public static SafetensorsHeader Parse(Stream stream, string file)
    {
        byte[] json = ReadJson(stream, file);
        long dataStart = 8L + json.Length;
        Dictionary<string, string> metadata = new(StringComparer.Ordinal);
        List<SafetensorsEntry> tensors = [];
        string field = "header";
        try
        {
            ParseRoot(json, file, metadata, tensors, ref field);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The reader reports bad escapes inside a string as an invalid operation.
            throw new ModelFormatException(file, field, $"the header is not valid JSON: {e.Message}", e);
        }

        CheckPlacement(file, tensors, stream.Length - dataStart);
        return new SafetensorsHeader(metadata, tensors, dataStart);
    }

    private static byte[] ReadJson(Stream stream, string file)
    {
        Span<byte> prefix = stackalloc byte[8];
        if (stream.Length < 8)
        {
            throw new ModelFormatException(file, "header", $"the file has {stream.Length} bytes; a safetensors file starts with an 8-byte header length.");
        }

        stream.ReadExactly(prefix);
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > (ulong)(stream.Length - 8))
        {
            throw new ModelFormatException(file, "header length", $"the header announces {length} bytes, but only {stream.Length - 8} follow: the file is truncated or not a safetensors file.");
        }

        if (length is < 2 or > MaxHeaderBytes)
        {
            throw new ModelFormatException(file, "header length", $"the header has {length} bytes; expected 2 to {MaxHeaderBytes}.");
        }

        byte[] json = new byte[length];
        stream.ReadExactly(json);
        if (json[0] != (byte)'{' || !Utf8.IsValid(json))
        {
            throw new ModelFormatException(file, "header", "the header must be a JSON object in UTF-8 that starts with '{'.");
        }

        return json;
    }

    private static void ParseRoot(byte[] json, string file, Dictionary<string, string> metadata, List<SafetensorsEntry> tensors, ref string field)
    {
        Utf8JsonReader reader = new(json, Options);
        HashSet<string> names = new(StringComparer.Ordinal);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = reader.GetString()!;
            field = name;
            if (!names.Add(name))
            {
                throw new ModelFormatException(file, name, "this key occurs twice in the header.");
            }

            reader.Read();
            if (reader.TokenType != JsonTokenType.StartObject)
            {
                throw new ModelFormatException(file, name, $"expected an object, found {reader.TokenType}.");
            }

            if (name == MetadataKey)
            {
                ParseMetadata(ref reader, file, metadata);
            }
            else
            {
                tensors.Add(ParseTensor(ref reader, file, name));
            }
        }

        // Reads on to the end, so that anything after the object is an error.
        field = "header";
        reader.Read();
    }

    private static void ParseMetadata(ref Utf8JsonReader reader, string file, Dictionary<string, string> metadata)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string key = reader.GetString()!;
            reader.Read();
            if (reader.TokenType != JsonTokenType.String)
            {
                throw new ModelFormatException(file, $"{MetadataKey}.{key}", $"expected a string, found {reader.TokenType}.");
            }

            if (!metadata.TryAdd(key, reader.GetString()!))
            {
                throw new ModelFormatException(file, $"{MetadataKey}.{key}", "this key occurs twice.");
            }
        }
    }

    private static SafetensorsEntry ParseTensor(ref Utf8JsonReader reader, string file, string name)
    {
        string? dtype = null;
        long[]? shape = null;
        long[]? range = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string key = reader.GetString()!;
            reader.Read();
            bool repeated = key switch
            {
                "dtype" => dtype is not null,
                "shape" => shape is not null,
                "data_offsets" => range is not null,
                _ => throw new ModelFormatException(file, name, $"the record has the unknown key '{key}'; expected dtype, shape and data_offsets."),
            };
            if (repeated)
            {
                throw new ModelFormatException(file, name, $"the key '{key}' occurs twice in the record.");
            }

            switch (key)
            {
                case "dtype":
                    dtype = reader.TokenType == JsonTokenType.String ? reader.GetString()! : throw new ModelFormatException(file, name, $"dtype must be a string, found {reader.TokenType}.");
                    break;
                case "shape":
                    shape = ParseNumbers(ref reader, file, name, "shape", MaxRank);
                    break;
                default:
                    range = ParseNumbers(ref reader, file, name, "data_offsets", 2);
                    break;
            }
        }

        if (dtype is null || shape is null || range is not { Length: 2 })
        {
            throw new ModelFormatException(file, name, "the record must hold dtype, shape and two data_offsets.");
        }

        return CheckTensor(file, name, dtype, shape, range[0], range[1]);
    }

    private static long[] ParseNumbers(ref Utf8JsonReader reader, string file, string name, string key, int maxCount)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            throw new ModelFormatException(file, name, $"{key} must be an array, found {reader.TokenType}.");
        }

        List<long> numbers = [];
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out long number) || number < 0 || numbers.Count == maxCount)
            {
                throw new ModelFormatException(file, name, $"{key} must hold at most {maxCount} non-negative 63-bit integers.");
            }

            numbers.Add(number);
        }

        return [.. numbers];
    }

    private static SafetensorsEntry CheckTensor(string file, string name, string dtype, long[] shape, long begin, long end)
    {
        if (!SafetensorsTypes.TryParse(dtype, out ElementFormat format))
        {
            throw new ModelFormatException(file, name, $"the dtype '{dtype}' is not supported.");
        }

        // A zero anywhere makes the tensor empty, but must not hide an overflow before it.
        Int128 bytes = SafetensorsTypes.SizeOf(format);
        foreach (long size in shape)
        {
            bytes *= size;
            if (bytes > long.MaxValue)
            {
                throw new ModelFormatException(file, name, $"the shape [{string.Join(", ", shape)}] overflows 63-bit byte counts.");
            }
        }

        if (end < begin || end - begin != (long)bytes)
        {
            throw new ModelFormatException(file, name, $"data_offsets [{begin}, {end}] do not hold the {bytes} bytes of {dtype} [{string.Join(", ", shape)}].");
        }

        return new SafetensorsEntry(name, format, shape, (long)bytes / SafetensorsTypes.SizeOf(format), begin, end);
    }

    private static void CheckPlacement(string file, List<SafetensorsEntry> tensors, long dataLength)
    {
        SafetensorsEntry[] byOffset = [.. tensors];
        Array.Sort(byOffset, static (a, b) => a.Begin != b.Begin ? a.Begin.CompareTo(b.Begin) : a.End.CompareTo(b.End));
        long covered = 0;
        foreach (SafetensorsEntry tensor in byOffset)
        {
            if (tensor.End > dataLength)
            {
                throw new ModelFormatException(file, tensor.Name, $"data_offsets [{tensor.Begin}, {tensor.End}] reach past the data section of {dataLength} bytes: the file is truncated or corrupt.");
            }

            if (tensor.Begin != covered)
            {
                string what = tensor.Begin < covered ? "overlap another tensor" : "leave a hole";
                throw new ModelFormatException(file, tensor.Name, $"data_offsets [{tensor.Begin}, {tensor.End}] {what}: the tensors before it end at {covered}.");
            }

            covered = tensor.End;
        }

        if (covered != dataLength)
        {
            throw new ModelFormatException(file, "header", $"the tensors cover {covered} bytes of data, the file holds {dataLength}.");
        }
    }
}
