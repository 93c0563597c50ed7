using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Unicode;

namespace Moesaic.Models.Checkpoints.Gguf;

/// <summary>
/// Reads the primitives of a GGUF header forward from a stream. Before anything is read or allocated, the bytes are
/// proven to be in the file and within the header's limit, so a lie about a length costs nothing.
/// </summary>
internal sealed class GgufHeaderReader(Stream stream, string file)
{
    /// <summary>No real header comes near: the largest (a 262k vocabulary with its merges) is about 20 MB.</summary>
    private const long MaxHeaderBytes = 512L << 20;

    private readonly byte[] _buffer = new byte[16 << 10];
    private int _start;
    private int _end;

    /// <summary>The file's name, for messages.</summary>
    public string File { get; } = file;

    /// <summary>Length of the whole file in bytes.</summary>
    public long Length { get; } = stream.Length;

    /// <summary>Offset of the next byte to read.</summary>
    public long Position { get; private set; }

    /// <summary>What is being read, for messages: a metadata key, a tensor's name, or "header".</summary>
    public string Field { get; set; } = "header";

    public ModelFormatException Error(string message) => new(File, Field, message);

    /// <summary>Throws unless <paramref name="count"/> items of at least <paramref name="itemBytes"/> bytes each are still to come.</summary>
    public void Require(ulong count, int itemBytes)
    {
        ulong remaining = (ulong)(Length - Position);
        if (count > remaining / (ulong)itemBytes)
        {
            throw Error($"{count} items of at least {itemBytes} bytes are announced at offset {Position}, but only {remaining} bytes follow: the file is truncated or corrupt.");
        }

        if (count * (ulong)itemBytes > (ulong)MaxHeaderBytes - (ulong)Position)
        {
            throw Error($"the header is larger than the limit of {MaxHeaderBytes} bytes.");
        }
    }

    public byte ReadByte() => Take(1)[0];

    public ushort ReadUInt16() => BinaryPrimitives.ReadUInt16LittleEndian(Take(2));

    public uint ReadUInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4));

    public ulong ReadUInt64() => BinaryPrimitives.ReadUInt64LittleEndian(Take(8));

    /// <summary>A u64 length and that many bytes of UTF-8.</summary>
    public string ReadString(int maxBytes, string what)
    {
        int length = ReadLength(maxBytes, what);
        byte[]? large = length > _buffer.Length ? new byte[length] : null;
        if (large is not null)
        {
            ReadExactly(large);
        }

        ReadOnlySpan<byte> bytes = large ?? Take(length);
        return Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes) : throw Error($"{what} is not valid UTF-8.");
    }

    /// <summary>A u64 length, checked against the file and <paramref name="maxBytes"/>.</summary>
    public int ReadLength(int maxBytes, string what)
    {
        ulong length = ReadUInt64();
        Require(length, 1);
        return length <= (ulong)maxBytes ? (int)length : throw Error($"{what} is {length} bytes long; at most {maxBytes} are accepted.");
    }

    /// <summary><paramref name="count"/> fixed-size elements, little-endian as every supported machine is.</summary>
    public T[] ReadArray<T>(int count)
        where T : unmanaged
    {
        T[] elements = new T[count];
        ReadExactly(MemoryMarshal.AsBytes(elements.AsSpan()));
        return elements;
    }

    public void ReadExactly(Span<byte> destination)
    {
        Require((ulong)destination.Length, 1);
        int buffered = Math.Min(destination.Length, _end - _start);
        _buffer.AsSpan(_start, buffered).CopyTo(destination);
        _start += buffered;
        if (buffered < destination.Length)
        {
            stream.ReadExactly(destination[buffered..]);
        }

        Position += destination.Length;
    }

    /// <summary>The next bytes, valid until the next read.</summary>
    private ReadOnlySpan<byte> Take(int count)
    {
        Require((ulong)count, 1);
        if (_end - _start < count)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            _end -= _start;
            _start = 0;
            while (_end < count)
            {
                int read = stream.Read(_buffer, _end, _buffer.Length - _end);
                _end += read > 0 ? read : throw new EndOfStreamException();
            }
        }

        ReadOnlySpan<byte> taken = _buffer.AsSpan(_start, count);
        _start += count;
        Position += count;
        return taken;
    }
}
