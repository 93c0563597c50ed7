using System.Text;
using Moesaic.Cli.BenchServe;

namespace Moesaic.Cli.Tests.BenchServe;

/// <summary>Server-sent events, however the bytes are cut.</summary>
internal sealed class EventStreamTests
{
    private const string Stream =
        ": hello\n\ndata: one\n\nevent: x\nid: 7\ndata:two\ndata\ndata:  2b\n\n\n\r\ndata: größe 😀\r\n\r\nretry: 5\n\ndata: \n\ndata: unfinished\n";

    private static readonly string[] s_events = ["one", "two\n\n 2b", "größe 😀", ""];

    [Test]
    public void Events_are_the_same_for_pieces_of_any_size([Values(1, 2, 3, 5, 7, 1000)] int size)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(Stream);
        EventStream events = new();
        List<string> read = [];
        for (int at = 0; at < bytes.Length; at += size)
        {
            ReadOnlySpan<byte> piece = bytes.AsSpan(at, Math.Min(size, bytes.Length - at));
            piece.CopyTo(events.Space().Span);
            events.Advance(piece.Length);
            while (events.TryRead(out ReadOnlySpan<byte> data))
            {
                read.Add(Encoding.UTF8.GetString(data));
            }
        }

        Assert.That(read, Is.EqualTo(s_events));
    }

    [Test]
    public void A_line_without_an_end_is_refused()
    {
        EventStream events = new();
        Assert.That(
            () =>
            {
                while (true)
                {
                    Memory<byte> space = events.Space();
                    space.Span.Fill((byte)'x');
                    events.Advance(space.Length);
                    events.TryRead(out _);
                }
            },
            Throws.TypeOf<FormatException>().With.Message.Contains("longer than 8 MiB"));
    }

    [Test]
    public void An_event_of_endless_lines_is_refused()
    {
        EventStream events = new();
        byte[] line = [.. "data: "u8, .. new byte[1000], (byte)'\n'];
        Assert.That(
            () =>
            {
                while (true)
                {
                    line.CopyTo(events.Space());
                    events.Advance(line.Length);
                    events.TryRead(out _);
                }
            },
            Throws.TypeOf<FormatException>().With.Message.Contains("longer than 8 MiB"));
    }
}
