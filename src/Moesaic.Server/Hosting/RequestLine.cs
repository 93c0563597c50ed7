using System.Buffers;
using Moesaic.Server.Errors;

namespace Moesaic.Server.Hosting;

/// <summary>
/// Which protocol a connection's latest request speaks, read from the bytes themselves: what Kestrel refuses never becomes a
/// request that could be asked.
/// </summary>
internal sealed class RequestLine
{
    // Longer than any method that has a route and the paths that tell.
    private const int MaxLength = 64;

    public ErrorEnvelope Envelope { get; private set; }

    /// <param name="unread">What has come and is not taken yet. Where it begins like a request, it is one.</param>
    public void Look(in ReadOnlySequence<byte> unread)
    {
        Span<byte> copy = stackalloc byte[MaxLength];
        copy = copy[..(int)Math.Min(unread.Length, MaxLength)];
        unread.Slice(0, copy.Length).CopyTo(copy);
        ReadOnlySpan<byte> line = copy.TrimStart("\r\n"u8);
        int end = line.IndexOf((byte)' ');
        if (end > 0 && !line[..end].ContainsAnyExceptInRange((byte)'A', (byte)'Z') && line[(end + 1)..] is [(byte)'/', ..] path)
        {
            Envelope = ErrorEnvelopes.OfPath(path);
        }
    }
}
