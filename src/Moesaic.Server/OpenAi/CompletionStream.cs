using Moesaic.Server.Errors;
using Moesaic.Server.Routing;
using Moesaic.Server.Streaming;

namespace Moesaic.Server.OpenAi;

/// <summary>A stream of chat or text completions: answers, usage if asked for, a failure if there was one, <c>[DONE]</c>.</summary>
internal static class CompletionStream
{
    /// <param name="context">The request.</param>
    /// <param name="withUsage">Whether the client wants to be told of the usage.</param>
    /// <param name="writer">Writes the last events.</param>
    /// <param name="writeAnswers">Writes the answers; before its first event, a failure still becomes a status.</param>
    public static async Task WriteAsync(RequestContext context, bool withUsage, IStreamWriter writer, Func<SseWriter, Task> writeAnswers)
    {
        using SseWriter sse = new(context.Http.Response);
        context.KeepAlive(sse);
        try
        {
            await writeAnswers(sse).ConfigureAwait(false);
            if (withUsage)
            {
                writer.WriteUsage(sse.Begin());
                sse.End();
            }
        }
        catch (Exception failure) when (sse.HasBegun && !context.Aborted.IsCancellationRequested)
        {
            ApiException error = context.ToldInStream(failure);
            writer.WriteFailure(sse.Begin(), error);
            sse.End();
        }

        sse.Data("[DONE]"u8);
        await sse.FlushAsync(context.Aborted).ConfigureAwait(false);
    }
}
