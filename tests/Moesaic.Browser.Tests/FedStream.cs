using System.Threading.Channels;
using Microsoft.AspNetCore.Http;

namespace Moesaic.Browser.Tests;

/// <summary>A streamed answer whose pieces the test gives when it likes.</summary>
internal sealed class FedStream
{
    private readonly Channel<string> _pieces = Channel.CreateUnbounded<string>();
    private readonly TaskCompletionSource _left = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _isBroken;

    /// <summary>Completes when the page hangs up before the stream's end.</summary>
    public Task Left => _left.Task;

    public void Content(string text) => Data(Replies.Delta("content", text));

    public void Data(string json) => Raw($"data: {json}\n\n");

    public void Raw(string text) => _pieces.Writer.TryWrite(text);

    /// <summary>Ends as a good answer does: reason, usage, end mark.</summary>
    public void Finish(string reason = "stop", string? usage = null)
    {
        Data(Replies.Finish(reason));
        Data(usage ?? Replies.Usage(3, 2));
        Raw("data: [DONE]\n\n");
        Cut();
    }

    /// <summary>Ends the body without any end mark.</summary>
    public void Cut() => _pieces.Writer.Complete();

    /// <summary>Breaks the connection.</summary>
    public void Break()
    {
        _isBroken = true;
        Cut();
    }

    public async Task RunAsync(HttpContext context)
    {
        context.Response.ContentType = "text/event-stream";
        await context.Response.StartAsync();
        try
        {
            await foreach (string piece in _pieces.Reader.ReadAllAsync(context.RequestAborted))
            {
                await context.Response.WriteAsync(piece, context.RequestAborted);
                await context.Response.Body.FlushAsync(context.RequestAborted);
            }

            if (_isBroken)
            {
                context.Abort();
            }
        }
        catch (OperationCanceledException)
        {
            _left.SetResult();
        }
    }
}
