using Moesaic.Engine;
using Moesaic.Server.Chat;
using Moesaic.Server.Errors;
using Moesaic.Server.Routing;
using Moesaic.Server.Streaming;

namespace Moesaic.Server.OpenAi.Responses;

/// <summary>POST /v1/responses, without any state between requests.</summary>
internal static class ResponsesRoute
{
    public static async Task HandleAsync(RequestContext context)
    {
        ResponsesRequest request = await RequestReading.ReadAsync(context, ResponsesRequest.Read).ConfigureAwait(false);
        await using ChatStream stream = await ChatStream.StartAsync(context, request.Model, request.Call, "input").ConfigureAwait(false);
        ResponsesWriter writer = new(request, stream);
        await (request.Stream ? StreamAsync(context, request, stream, writer) : AnswerAsync(context, request, stream, writer)).ConfigureAwait(false);
    }

    private static async Task AnswerAsync(RequestContext context, ResponsesRequest request, ChatStream stream, ResponsesWriter writer)
    {
        ResponsesOutput output = new(request.Id, null);
        while (await stream.NextAsync().ConfigureAwait(false))
        {
            AddStep(stream, output);
        }

        string status = ResponsesWriter.StatusOf(stream.SampleOf(0));
        output.Finish(status);
        await context.WriteJsonAsync(200, json => writer.Write(json, status, output.Items)).ConfigureAwait(false);
    }

    private static async Task StreamAsync(RequestContext context, ResponsesRequest request, ChatStream stream, ResponsesWriter writer)
    {
        using SseWriter sse = new(context.Http.Response);
        ResponsesOutput output = new(request.Id, sse);
        try
        {
            while (await stream.NextAsync(sse).ConfigureAwait(false))
            {
                if (!sse.HasBegun)
                {
                    Tell("response.created", ResponsesWriter.InProgress);
                    Tell("response.in_progress", ResponsesWriter.InProgress);
                }

                AddStep(stream, output);
            }

            string status = ResponsesWriter.StatusOf(stream.SampleOf(0));
            output.Finish(status);
            Tell("response." + status, status);
        }
        catch (Exception failure) when (sse.HasBegun && !context.Aborted.IsCancellationRequested)
        {
            ApiException error = context.ToldInStream(failure);
            output.Finish(ResponsesWriter.Incomplete);
            Tell("response.failed", ResponsesWriter.Failed, error);
        }

        await sse.FlushAsync(context.Aborted).ConfigureAwait(false);

        void Tell(string type, string status, ApiException? error = null) => output.Tell(type, json =>
        {
            json.WritePropertyName("response"u8);
            writer.Write(json, status, output.Items, error);
        });
    }

    private static void AddStep(ChatStream stream, ResponsesOutput output)
    {
        foreach (ReplyPart part in stream.Parts)
        {
            output.Add(part);
        }
    }
}
