using System.Net;
using System.Net.Http.Headers;
using System.Text;

namespace Moesaic.Cli.Tests.BenchServe;

/// <summary>Answers of a host without a network: each read gives one piece, and takes as long on the clock as the script says.</summary>
internal sealed class ScriptedHandler(VirtualClock clock, params (double Seconds, string Piece)[] script) : HttpMessageHandler
{
    public HttpStatusCode Status { get; init; } = HttpStatusCode.OK;

    public string MediaType { get; init; } = "text/event-stream";

    /// <summary>What the last request carried.</summary>
    public string? Authorization { get; private set; }

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        Authorization = request.Headers.Authorization?.ToString();
        HttpResponseMessage response = new(Status) { Content = new StreamContent(new ScriptedStream(clock, script)) };
        response.Content.Headers.ContentType = new MediaTypeHeaderValue(MediaType);
        return Task.FromResult(response);
    }

    private sealed class ScriptedStream(VirtualClock clock, (double Seconds, string Piece)[] script) : MemoryStream
    {
        private int _next;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_next == script.Length)
            {
                return ValueTask.FromResult(0);
            }

            (double seconds, string piece) = script[_next++];
            clock.Advance(seconds);
            return ValueTask.FromResult(Encoding.UTF8.GetBytes(piece, buffer.Span));
        }
    }
}
