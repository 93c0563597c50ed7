using System.Buffers;

namespace Moesaic.Cli.Input;

/// <summary>Lines of UTF-8; one that is something else is an error of that line alone.</summary>
internal sealed class LineReader(Stream stream)
{
    private readonly byte[] _buffer = new byte[1 << 16];
    private int _start;
    private int _end;

    /// <summary>The next line without its line break; null at the end. Lines end with LF or CR LF.</summary>
    /// <exception cref="FormatException">It is not UTF-8, or too long; the next call gives the line after it.</exception>
    public string? ReadLine()
    {
        ArrayBufferWriter<byte> line = new();
        bool isTooLong = false;
        while (Fill())
        {
            ReadOnlySpan<byte> available = _buffer.AsSpan(_start, _end - _start);
            int lineFeed = available.IndexOf((byte)'\n');
            ReadOnlySpan<byte> part = lineFeed < 0 ? available : available[..lineFeed];
            _start += lineFeed < 0 ? part.Length : lineFeed + 1;
            isTooLong |= line.WrittenCount + (long)part.Length > Utf8Text.MaxBytes;
            if (!isTooLong)
            {
                line.Write(part);
            }

            if (lineFeed >= 0)
            {
                return Text(line.WrittenSpan, isTooLong);
            }
        }

        return line.WrittenCount == 0 ? null : Text(line.WrittenSpan, isTooLong);
    }

    /// <summary>All that is left.</summary>
    /// <exception cref="FormatException">It is not UTF-8, or too long.</exception>
    public string ReadToEnd() => Utf8Text.ReadAll(stream, "standard input");

    private static string Text(ReadOnlySpan<byte> line, bool isTooLong) =>
        isTooLong
            ? throw new FormatException($"the line is longer than {Utf8Text.MaxBytes >> 20} MiB")
            : Utf8Text.Decode(line is [.. var text, (byte)'\r'] ? text : line, "the line");

    private bool Fill()
    {
        if (_start == _end)
        {
            _start = 0;
            _end = stream.Read(_buffer);
        }

        return _end > 0;
    }
}
