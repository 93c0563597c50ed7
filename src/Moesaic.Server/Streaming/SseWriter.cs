using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace Moesaic.Server.Streaming;

/// <summary>
/// Writes server-sent events into a response: each is an optional name and one line of JSON. The response begins with the
/// first event, so that whatever fails before can still be told by its status. One writer of JSON serves all events.
/// </summary>
/// <remarks>
/// One thread at a time: the route's, and between <see cref="BeginWait"/> and <see cref="EndWaitAsync"/> the timer's that
/// <see cref="KeepAlive"/> starts.
/// </remarks>
internal sealed class SseWriter : IDisposable
{
    private const int FlushBytes = 16 << 10;

    private static readonly JsonWriterOptions Style = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    private readonly HttpResponse _response;
    private readonly PipeWriter _pipe;
    private readonly Utf8JsonWriter _json;

    // Whose turn it is to write: taken by the route except while it waits.
    private readonly SemaphoreSlim _turn = new(0, 1);
    private ITimer? _timer;

    public SseWriter(HttpResponse response)
    {
        _response = response;
        _pipe = response.BodyWriter;
        _json = new Utf8JsonWriter(_pipe, Style);
    }

    /// <summary>Whether the status and headers can no longer change.</summary>
    public bool HasBegun { get; private set; }

    /// <summary>Whether so much is unsent that more should wait for <see cref="FlushAsync"/>.</summary>
    public bool WantsFlush => _pipe.CanGetUnflushedBytes && _pipe.UnflushedBytes >= FlushBytes;

    /// <summary>Begins an event; write exactly one JSON value into the result, then call <see cref="End"/>.</summary>
    /// <param name="name">What the protocol calls the event (plain ASCII without line breaks), or null.</param>
    public Utf8JsonWriter Begin(string? name = null)
    {
        EnsureBegun();
        if (name is not null)
        {
            Write("event: "u8);
            Encoding.ASCII.GetBytes(name, _pipe);
            Write("\n"u8);
        }

        Write("data: "u8);
        _json.Reset(_pipe);
        return _json;
    }

    /// <summary>Ends the event; it is sent with the next flush.</summary>
    public void End()
    {
        _json.Flush();
        Write("\n\n"u8);
    }

    /// <summary>An event whose data is no JSON, such as <c>[DONE]</c>.</summary>
    public void Data(ReadOnlySpan<byte> text)
    {
        EnsureBegun();
        Write("data: "u8);
        Write(text);
        Write("\n\n"u8);
    }

    /// <summary>A comment, which clients skip: shows that the connection lives.</summary>
    public void Comment(ReadOnlySpan<byte> text)
    {
        EnsureBegun();
        Write(": "u8);
        Write(text);
        Write("\n\n"u8);
    }

    /// <summary>Writes a sign of life at every interval in which the route waits, so that neither client nor proxies give the stream up.</summary>
    /// <param name="clock">Tells the intervals.</param>
    /// <param name="interval">Null: nothing is written.</param>
    /// <param name="write">Writes whole events or comments; the response begins with it if it has not before.</param>
    /// <param name="aborted">Set when the client went away.</param>
    public void KeepAlive(TimeProvider clock, TimeSpan? interval, Action<SseWriter> write, CancellationToken aborted)
    {
        if (interval is { } every)
        {
            _timer = clock.CreateTimer(_ => SignalAsync(write, aborted), null, every, every);
        }
    }

    /// <summary>From here on the route writes nothing.</summary>
    public void BeginWait() => _turn.Release();

    /// <summary>From here on the route writes again.</summary>
    public Task EndWaitAsync() => _turn.WaitAsync(CancellationToken.None);

    /// <summary>Sends what was written; waits while the client is slow.</summary>
    /// <exception cref="OperationCanceledException">The client went away.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask FlushAsync(CancellationToken cancellation)
    {
        FlushResult result = await _pipe.FlushAsync(cancellation).ConfigureAwait(false);
        if (result.IsCompleted || result.IsCanceled)
        {
            throw new OperationCanceledException("The client has closed the connection.");
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // A signal that comes later finds that it is never its turn.
        _timer?.Dispose();

        // A half-written event must not reach the client when the writer is given up.
        _json.Reset(Stream.Null);
        _json.Dispose();
    }

    private async void SignalAsync(Action<SseWriter> write, CancellationToken aborted)
    {
        if (!_turn.Wait(0, CancellationToken.None))
        {
            return;
        }

        try
        {
            write(this);
            await FlushAsync(aborted).ConfigureAwait(false);
        }
        catch (Exception)
        {
            // The client is gone, which the route learns from its own token.
        }
        finally
        {
            _turn.Release();
        }
    }

    private void EnsureBegun()
    {
        if (HasBegun)
        {
            return;
        }

        HasBegun = true;
        _response.StatusCode = StatusCodes.Status200OK;
        _response.ContentType = "text/event-stream; charset=utf-8";
        _response.Headers.CacheControl = "no-cache";

        // Proxies such as nginx would otherwise collect the events.
        _response.Headers["X-Accel-Buffering"] = "no";
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_pipe.GetSpan(bytes.Length));
        _pipe.Advance(bytes.Length);
    }
}
