using System.Buffers.Binary;

namespace Moesaic.Models.Tokenizers.SentencePiece;

/// <summary>Reads the fields of one protocol buffers message; every length is checked against the message's end.</summary>
internal ref struct ProtobufReader(string file, string path, ReadOnlySpan<byte> message)
{
    private readonly ReadOnlySpan<byte> _message = message;
    private int _at;

    /// <summary>Number of the current field.</summary>
    public int Field { get; private set; }

    /// <summary>Value of a varint field, or the bits of a fixed one.</summary>
    public ulong Number { get; private set; }

    /// <summary>Content of a field with a length.</summary>
    public ReadOnlySpan<byte> Bytes { get; private set; }

    /// <summary>Wire type of the current field: 0 varint, 1 64 bits, 2 with a length, 5 32 bits.</summary>
    public int WireType { get; private set; }

    /// <summary>The number as a float.</summary>
    public readonly float Single => BitConverter.UInt32BitsToSingle((uint)Number);

    /// <summary>Goes to the next field; false at the end.</summary>
    /// <exception cref="ModelFormatException">The message is cut off or malformed.</exception>
    public bool Next()
    {
        if (_at == _message.Length)
        {
            return false;
        }

        ulong key = Varint();
        if (key >> 3 is 0 or > int.MaxValue)
        {
            throw Error($"found the field number {key >> 3}; expected 1 or more");
        }

        Field = (int)(key >> 3);
        WireType = (int)(key & 7);
        Bytes = default;
        switch (WireType)
        {
            case 0:
                Number = Varint();
                break;
            case 1:
                Number = BinaryPrimitives.ReadUInt64LittleEndian(Take(8));
                break;
            case 2:
                ulong length = Varint();
                Bytes = Take(length);
                break;
            case 5:
                Number = BinaryPrimitives.ReadUInt32LittleEndian(Take(4));
                break;
            default:
                throw Error($"found the wire type {WireType} of field {Field}; expected 0, 1, 2 or 5");
        }

        return true;
    }

    /// <summary>Throws unless the current field has the wire type.</summary>
    public readonly void Expect(int wireType)
    {
        if (WireType != wireType)
        {
            throw Error($"found the wire type {WireType} of field {Field}; expected {wireType}");
        }
    }

    /// <summary>An error about this message.</summary>
    public readonly ModelFormatException Error(string message) => new(file, path, $"{message} (near byte {_at} of {_message.Length})");

    private ulong Varint()
    {
        ulong value = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            byte next = Take(1)[0];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                return value;
            }
        }

        throw Error("a number takes more than ten bytes");
    }

    private ReadOnlySpan<byte> Take(ulong length)
    {
        if (length > (ulong)(_message.Length - _at))
        {
            throw Error($"{length} bytes are announced, but only {_message.Length - _at} are left");
        }

        _at += (int)length;
        return _message.Slice(_at - (int)length, (int)length);
    }
}
