using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Moesaic.Server.Catalog;
using Moesaic.Server.Errors;
using Moesaic.Server.Hosting;
using Moesaic.Server.Metrics;
using Moesaic.Server.Streaming;

namespace Moesaic.Server.Routing;

/// <summary>One request on its way through a route: what the handler needs besides the bytes.</summary>
internal sealed partial class RequestContext(HttpContext http, HostServices services, string requestId)
{
    private readonly long _started = services.Clock.GetTimestamp();

    public HttpContext Http { get; } = http;

    public HostServices Services { get; } = services;

    /// <summary>The client's <c>X-Request-Id</c>, or one made here; echoed in the response and part of every log line.</summary>
    public string RequestId { get; } = requestId;

    /// <summary>Name of the key that the request came with; empty when none is needed.</summary>
    public string Tenant { get; set; } = "";

    /// <summary>What the path holds after the prefix of a route that ends in <c>/*</c>, unescaped.</summary>
    public string Rest { get; set; } = "";

    /// <summary>What answers; null as long as none was found.</summary>
    public Route? Route { get; set; }

    /// <summary>Which error shape the route answers with.</summary>
    public ErrorEnvelope Envelope { get; set; }

    /// <summary>Whether the answer goes out while it is made, so that a client which does not read it holds it up.</summary>
    public bool Streams { get; set; }

    public ServedModels Models => Services.Models;

    public ServerMetrics Metrics => Services.Metrics;

    public ServerOptions Options => Services.Options;

    public ILogger Log => Services.Log;

    /// <summary>Set when the client went away or the host gives up on the request.</summary>
    public CancellationToken Aborted => Http.RequestAborted;

    /// <summary>Time since the request's headers were read.</summary>
    public TimeSpan Elapsed => Services.Clock.GetElapsedTime(_started);

    /// <summary>What is left of the time that a request may take; null: as long as it likes. Hand it to the engine.</summary>
    /// <exception cref="ApiException">504: nothing is left.</exception>
    public TimeSpan? TimeLeft => Options.RequestTimeout is not { } limit ? null
        : limit - Elapsed is { Ticks: > 0 } left ? left
        : throw new ApiException(504, ErrorCodes.DeadlineExceeded, $"the request took longer than the {limit.TotalSeconds:0.###} s that it may");

    /// <summary>The whole body, at most <see cref="ServerOptions.MaxBodyBytes"/>. Memory grows with what arrives, not with what is announced.</summary>
    /// <exception cref="ApiException">413: it is larger.</exception>
    /// <exception cref="BadHttpRequestException">It is cut off, malformed or too slow.</exception>
    public async Task<ReadOnlyMemory<byte>> ReadBodyAsync()
    {
        using CancellationTokenSource deadline = new(TimeLeft ?? Timeout.InfiniteTimeSpan, Services.Clock);
        try
        {
            ReadOnlyMemory<byte> body = await ReadBodyAsync(deadline.Token).ConfigureAwait(false);
            if (Options.LogPrompts)
            {
                string text = Encoding.UTF8.GetString(body.Span);
                LogBody(Log, RequestId, text);
            }

            return body;
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
        {
            throw ApiException.FromFramework(408);
        }
        catch (IOException exception) when (exception is not BadHttpRequestException)
        {
            // Kestrel's word for chunks that make no sense.
            Http.Response.Headers.Connection = "close";
            throw ApiException.FromFramework(400, exception);
        }
    }

    private async Task<ReadOnlyMemory<byte>> ReadBodyAsync(CancellationToken cancellationToken)
    {
        ArrayBufferWriter<byte> body = new();
        PipeReader reader = Http.Request.BodyReader;
        bool isGone = false;
        using CancellationTokenRegistration departure = Aborted.UnsafeRegister(static r => ((PipeReader)r!).CancelPendingRead(), reader);
        while (true)
        {
            // A client that closed its side may have sent everything before: what is there is taken, nothing is waited for.
            ReadResult result;
            if (!isGone)
            {
                result = await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
            }
            else if (!reader.TryRead(out result))
            {
                Http.Response.Headers.Connection = "close";
                throw new ApiException(400, ErrorCodes.BadRequest, "the request's body ended early");
            }

            isGone |= result.IsCanceled;
            if (body.WrittenCount + result.Buffer.Length > Options.MaxBodyBytes)
            {
                throw new ApiException(413, ErrorCodes.BodyTooLarge, $"the request's body is larger than the {Options.MaxBodyBytes} bytes that this server takes");
            }

            foreach (ReadOnlyMemory<byte> part in result.Buffer)
            {
                body.Write(part.Span);
            }

            reader.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted)
            {
                return body.WrittenMemory;
            }
        }
    }

    /// <summary>Makes a stream show signs of life while it waits.</summary>
    /// <param name="sse">The stream.</param>
    /// <param name="write">Null: a comment, which clients skip.</param>
    public void KeepAlive(SseWriter sse, Action<SseWriter>? write = null) =>
        sse.KeepAlive(Services.Clock, Options.KeepAliveInterval, write ?? (static s => s.Comment("keep-alive"u8)), Aborted);

    /// <summary>Answers with one JSON value.</summary>
    public async Task WriteJsonAsync(int status, Action<Utf8JsonWriter> write)
    {
        ArrayBufferWriter<byte> body = new();
        using (Utf8JsonWriter writer = new(body, JsonStyle))
        {
            write(writer);
        }

        await WriteAsync(status, "application/json", body.WrittenMemory).ConfigureAwait(false);
    }

    /// <summary>Answers with a whole body.</summary>
    public async Task WriteAsync(int status, string contentType, ReadOnlyMemory<byte> body)
    {
        HttpResponse response = Http.Response;
        response.StatusCode = status;
        response.ContentType = contentType;
        response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(Http.Request.Method))
        {
            await response.Body.WriteAsync(body, CancellationToken.None).ConfigureAwait(false);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "request {RequestId} has the body {Body}")]
    private static partial void LogBody(ILogger logger, string requestId, string body);

    /// <summary>Text stays readable: JSON here is never put into HTML.</summary>
    public static JsonWriterOptions JsonStyle { get; } = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
}
