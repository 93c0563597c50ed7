namespace Moesaic.Cli.BenchServe;

/// <summary>
/// Server-sent events out of bytes that come in pieces: the data of each event, other fields and comments left out. Lines end with
/// LF or CR LF, as every such server writes them.
/// </summary>
internal sealed class EventStream
{
    /// <summary>Longest event; a stream without line breaks must not eat all memory.</summary>
    public const int MaxEventBytes = 8 << 20;

    private byte[] _buffer = new byte[16 << 10];
    private int _start;
    private int _scanned;
    private int _end;

    // Data lines of the event being read, joined.
    private byte[] _data = new byte[4 << 10];
    private int _dataLength = -1;

    /// <summary>Room for the next bytes; see <see cref="Advance"/>.</summary>
    /// <exception cref="FormatException">One line is longer than <see cref="MaxEventBytes"/>.</exception>
    public Memory<byte> Space()
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_scanned, _end, _start) = (_scanned - _start, _end - _start, 0);
        }

        if (_end == _buffer.Length)
        {
            CheckLength(_end);
            Array.Resize(ref _buffer, _buffer.Length * 2);
        }

        return _buffer.AsMemory(_end);
    }

    /// <summary>Takes so many bytes that were put into <see cref="Space"/>.</summary>
    public void Advance(int count) => _end += count;

    /// <summary>The data of the next complete event; valid until the next call.</summary>
    /// <exception cref="FormatException">The event is longer than <see cref="MaxEventBytes"/>.</exception>
    public bool TryRead(out ReadOnlySpan<byte> data)
    {
        while (TryReadLine(out ReadOnlySpan<byte> line))
        {
            if (line.IsEmpty)
            {
                if (_dataLength >= 0)
                {
                    data = _data.AsSpan(0, _dataLength);
                    _dataLength = -1;
                    return true;
                }
            }
            else if (line.StartsWith("data:"u8) || line.SequenceEqual("data"u8))
            {
                AddData(line.Length > 5 && line[5] == ' ' ? line[6..] : line[Math.Min(5, line.Length)..]);
            }
        }

        data = default;
        return false;
    }

    private bool TryReadLine(out ReadOnlySpan<byte> line)
    {
        int lineFeed = _buffer.AsSpan(_scanned, _end - _scanned).IndexOf((byte)'\n');
        if (lineFeed < 0)
        {
            _scanned = _end;
            line = default;
            return false;
        }

        line = _buffer.AsSpan(_start, _scanned + lineFeed - _start);
        line = line is [.. var text, (byte)'\r'] ? text : line;
        _start = _scanned = _scanned + lineFeed + 1;
        return true;
    }

    private void AddData(ReadOnlySpan<byte> text)
    {
        // Several data lines of one event are joined by a line feed.
        bool isFirst = _dataLength < 0;
        int at = isFirst ? 0 : _dataLength + 1;
        CheckLength(at + text.Length);
        if (at + text.Length > _data.Length)
        {
            Array.Resize(ref _data, Math.Max(at + text.Length, _data.Length * 2));
        }

        if (!isFirst)
        {
            _data[_dataLength] = (byte)'\n';
        }

        text.CopyTo(_data.AsSpan(at));
        _dataLength = at + text.Length;
    }

    private static void CheckLength(int length)
    {
        if (length >= MaxEventBytes)
        {
            throw new FormatException($"an event of the stream is longer than {MaxEventBytes >> 20} MiB");
        }
    }
}
