using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using System.Text.Json;
using Moesaic.Server.Errors;
using Moesaic.Server.Routing;

namespace Moesaic.Server.Hosting;

/// <summary>
/// Gives Kestrel's own refusals (malformed, too long or too slow to be a request at all) the error envelope. Kestrel writes
/// them without a body before any of our code runs, and offers no other place to add one. Nothing else that leaves this
/// host has a status of 4xx or 5xx and no body, so they are told by that.
/// </summary>
/// <param name="output">What the client gets.</param>
/// <param name="line">Whose envelope it understands.</param>
internal sealed class RejectionBody(PipeWriter output, RequestLine line) : PipeWriter
{
    private Memory<byte> _memory;

    private static ReadOnlySpan<byte> Start => "HTTP/1.1 "u8;

    private static ReadOnlySpan<byte> NoBody => "\r\nContent-Length: 0\r\n"u8;

    private static ReadOnlySpan<byte> End => "\r\n\r\n"u8;

    public override bool CanGetUnflushedBytes => output.CanGetUnflushedBytes;

    public override long UnflushedBytes => output.UnflushedBytes;

    public override Memory<byte> GetMemory(int sizeHint = 0) => _memory = output.GetMemory(sizeHint);

    public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public override void Advance(int bytes)
    {
        // A caller may advance several times over one piece of memory, or past what it asked us for.
        ReadOnlySpan<byte> written = bytes <= _memory.Length ? _memory.Span[..bytes] : [];
        if (written.StartsWith(Start) && written[Start.Length] is (byte)'4' or (byte)'5' && written.EndsWith(End) && written.IndexOf(NoBody) is >= 0 and var at)
        {
            byte[] whole = WithBody(written, at, line.Envelope);
            whole.CopyTo(output.GetSpan(whole.Length));
            output.Advance(whole.Length);
            _memory = default;
        }
        else
        {
            output.Advance(bytes);
            _memory = bytes <= _memory.Length ? _memory[bytes..] : default;
        }
    }

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => output.FlushAsync(cancellationToken);

    public override void CancelPendingFlush() => output.CancelPendingFlush();

    public override void Complete(Exception? exception = null) => output.Complete(exception);

    public override ValueTask CompleteAsync(Exception? exception = null) => output.CompleteAsync(exception);

    private static byte[] WithBody(ReadOnlySpan<byte> head, int lengthAt, ErrorEnvelope envelope)
    {
        string requestId = RequestIds.New();
        int status = int.Parse(head.Slice(Start.Length, 3), NumberStyles.None, CultureInfo.InvariantCulture);
        ArrayBufferWriter<byte> body = new();
        using (Utf8JsonWriter writer = new(body, RequestContext.JsonStyle))
        {
            ErrorEnvelopes.Write(writer, envelope, ApiException.FromFramework(status), requestId);
        }

        string fields = string.Create(
            CultureInfo.InvariantCulture, $"\r\nContent-Length: {body.WrittenCount}\r\nContent-Type: application/json\r\nX-Request-Id: {requestId}\r\nrequest-id: {requestId}\r\n");
        return [.. head[..lengthAt], .. Encoding.ASCII.GetBytes(fields), .. head[(lengthAt + NoBody.Length)..], .. body.WrittenSpan];
    }
}
