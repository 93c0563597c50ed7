using System.Buffers.Binary;
using System.Text;

namespace Moesaic.Server.Tests.Telemetry;

/// <summary>Enough of protobuf's wire format to look into a message: fields by number, nested ones by going on.</summary>
internal sealed class ProtobufFields
{
    private readonly List<(int Number, ulong Value, byte[] Bytes)> _fields = [];

    public ProtobufFields(ReadOnlySpan<byte> message)
    {
        while (!message.IsEmpty)
        {
            ulong tag = Varint(ref message);
            int number = (int)(tag >> 3);
            switch (tag & 7)
            {
                case 0:
                    _fields.Add((number, Varint(ref message), []));
                    break;
                case 1:
                    _fields.Add((number, BinaryPrimitives.ReadUInt64LittleEndian(message), []));
                    message = message[8..];
                    break;
                case 2:
                    int length = (int)Varint(ref message);
                    _fields.Add((number, 0, message[..length].ToArray()));
                    message = message[length..];
                    break;
                case 5:
                    _fields.Add((number, BinaryPrimitives.ReadUInt32LittleEndian(message), []));
                    message = message[4..];
                    break;
                default:
                    throw new InvalidDataException($"wire type {tag & 7}");
            }
        }
    }

    public IEnumerable<byte[]> All(int number) => _fields.Where(f => f.Number == number).Select(static f => f.Bytes);

    public IEnumerable<ProtobufFields> Messages(int number) => All(number).Select(static bytes => new ProtobufFields(bytes));

    public string Text(int number) => Encoding.UTF8.GetString(All(number).Single());

    public string Hex(int number) => Convert.ToHexStringLower(All(number).SingleOrDefault() ?? []);

    public ulong Number(int number) => _fields.Single(f => f.Number == number).Value;

    private static ulong Varint(ref ReadOnlySpan<byte> message)
    {
        ulong value = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte next = message[0];
            message = message[1..];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                return value;
            }
        }
    }
}
