using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;

namespace Moesaic.Models.Checkpoints.Safetensors;

/// <summary>A tensor to be written.</summary>
/// <param name="Name">Unique within the file.</param>
/// <param name="Format">A plain element type.</param>
/// <param name="Shape">Row-major.</param>
public sealed record SafetensorsTensorSpec(string Name, ElementFormat Format, params IReadOnlyList<long> Shape);

/// <summary>
/// Writes a safetensors file whose shapes are known beforehand and whose data arrives in pieces: each tensor has its
/// own cursor, so several can be streamed at once. The file appears under its name only when it is complete.
/// Not thread-safe.
/// </summary>
public sealed class SafetensorsWriter : IDisposable
{
    private readonly Dictionary<string, Cursor> _cursors = new(StringComparer.Ordinal);
    private readonly string _path;
    private readonly string _temporaryPath;
    private readonly SafeFileHandle _handle;
    private bool _completed;

    /// <summary>Creates the file's header.</summary>
    /// <param name="path">Where the file appears on <see cref="Complete"/>; an existing file is replaced then.</param>
    /// <param name="tensors">What will be written; the data lies in this order.</param>
    /// <param name="metadata">Free-form strings, or null.</param>
    /// <exception cref="IOException">The file cannot be created.</exception>
    public SafetensorsWriter(string path, IReadOnlyList<SafetensorsTensorSpec> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(tensors);
        _path = path;
        _temporaryPath = $"{path}.{Environment.ProcessId}.tmp";
        byte[] header = BuildHeader(tensors, metadata);
        long offset = header.Length;
        foreach (SafetensorsTensorSpec tensor in tensors)
        {
            long length = ByteLength(tensor);
            _cursors.Add(tensor.Name, new Cursor(tensor.Format, offset, offset + length));
            offset += length;
        }

        _handle = File.OpenHandle(_temporaryPath, FileMode.Create, FileAccess.Write, FileShare.None);
        RandomAccess.Write(_handle, header, 0);
    }

    /// <summary>Appends the next elements (rows, in practice) of a tensor.</summary>
    /// <exception cref="ArgumentException">There is no such tensor, the element size is wrong, or more elements come than the shape holds.</exception>
    public void Write<T>(string tensor, ReadOnlySpan<T> elements)
        where T : unmanaged
    {
        ObjectDisposedException.ThrowIf(_handle.IsClosed, this);
        if (!_cursors.TryGetValue(tensor, out Cursor? cursor))
        {
            throw new ArgumentException($"'{tensor}' was not announced.", nameof(tensor));
        }

        ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(elements);
        if (Unsafe.SizeOf<T>() != SafetensorsTypes.SizeOf(cursor.Format) || bytes.Length > cursor.End - cursor.Position)
        {
            throw new ArgumentException($"'{tensor}' takes {cursor.End - cursor.Position} more bytes of {cursor.Format}; got {bytes.Length} bytes of {typeof(T).Name}.", nameof(elements));
        }

        RandomAccess.Write(_handle, bytes, cursor.Position);
        cursor.Position += bytes.Length;
    }

    /// <summary>Closes the file and gives it its name.</summary>
    /// <exception cref="InvalidOperationException">A tensor has not been written to its end.</exception>
    public void Complete()
    {
        ObjectDisposedException.ThrowIf(_handle.IsClosed, this);
        foreach ((string name, Cursor cursor) in _cursors)
        {
            if (cursor.Position != cursor.End)
            {
                throw new InvalidOperationException($"'{name}' lacks {cursor.End - cursor.Position} bytes.");
            }
        }

        _handle.Dispose();
        File.Move(_temporaryPath, _path, overwrite: true);
        _completed = true;
    }

    /// <summary>Removes the unfinished file unless <see cref="Complete"/> was called.</summary>
    public void Dispose()
    {
        if (!_completed)
        {
            _handle.Dispose();
            File.Delete(_temporaryPath);
            _completed = true;
        }
    }

    private static long ByteLength(SafetensorsTensorSpec tensor)
    {
        long bytes = SafetensorsTypes.SizeOf(tensor.Format);
        foreach (long size in tensor.Shape)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(size);
            bytes = checked(bytes * size);
        }

        return bytes;
    }

    private static byte[] BuildHeader(IReadOnlyList<SafetensorsTensorSpec> tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        ArrayBufferWriter<byte> buffer = new();
        buffer.Write(stackalloc byte[8]);
        using (Utf8JsonWriter json = new(buffer))
        {
            json.WriteStartObject();
            WriteMetadata(json, metadata);
            long offset = 0;
            foreach (SafetensorsTensorSpec tensor in tensors)
            {
                json.WriteStartObject(tensor.Name);
                json.WriteString("dtype", SafetensorsTypes.NameOf(tensor.Format));
                WriteNumbers(json, "shape", tensor.Shape);
                WriteNumbers(json, "data_offsets", [offset, offset += ByteLength(tensor)]);
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        // Readers like the data 8-byte aligned; trailing spaces belong to the header.
        while (buffer.WrittenCount % 8 != 0)
        {
            buffer.Write(" "u8);
        }

        byte[] header = buffer.WrittenSpan.ToArray();
        BitConverter.TryWriteBytes(header, (ulong)(header.Length - 8));
        return header;
    }

    private static void WriteMetadata(Utf8JsonWriter json, IReadOnlyDictionary<string, string>? metadata)
    {
        if (metadata is null)
        {
            return;
        }

        json.WriteStartObject("__metadata__");
        foreach ((string key, string value) in metadata)
        {
            json.WriteString(key, value);
        }

        json.WriteEndObject();
    }

    private static void WriteNumbers(Utf8JsonWriter json, string key, IReadOnlyList<long> numbers)
    {
        json.WriteStartArray(key);
        foreach (long number in numbers)
        {
            json.WriteNumberValue(number);
        }

        json.WriteEndArray();
    }

    private sealed class Cursor(ElementFormat format, long position, long end)
    {
        public ElementFormat Format { get; } = format;

        public long Position { get; set; } = position;

        public long End { get; } = end;
    }
}
