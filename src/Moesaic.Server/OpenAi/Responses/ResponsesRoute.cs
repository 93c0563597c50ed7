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
        context.Streams = request.Stream;
        await using ChatStream stream = await ChatStream.StartAsync(context, request.Model, request.Call, "input").ConfigureAwait(false);
        ResponsesWriter writer = new(request, stream);
        await (request.Stream ? StreamAsync(context, request, stream, writer) : AnswerAsync(context, request, stream, writer)).ConfigureAwait(false);
    }

    private static async Task AnswerAsync(RequestContext context, ResponsesRequest request, ChatStream stream, ResponsesWriter writer)
    {
        ResponsesOutput output = new(request.Id, null, SpellingOf(request));
        while (await stream.NextAsync().ConfigureAwait(false))
        {
            AddStep(request, stream, output);
        }

        string status = ResponsesWriter.StatusOf(stream.SampleOf(0));
        output.Finish(status);
        await context.WriteJsonAsync(200, json => writer.Write(json, status, output.Items)).ConfigureAwait(false);
    }

    private static async Task StreamAsync(RequestContext context, ResponsesRequest request, ChatStream stream, ResponsesWriter writer)
    {
        using SseWriter sse = new(context.Http.Response);
        context.KeepAlive(sse);
        ResponsesOutput output = new(request.Id, sse, SpellingOf(request));
        bool hasBegun = false;
        try
        {
            while (await stream.NextAsync(sse).ConfigureAwait(false))
            {
                Begin();
                AddStep(request, stream, output);
            }

            string status = ResponsesWriter.StatusOf(stream.SampleOf(0));
            output.Finish(status);
            Tell("response." + status, status);
        }
        catch (Exception failure) when (sse.HasBegun && !context.Aborted.IsCancellationRequested)
        {
            ApiException error = context.ToldInStream(failure);
            Begin();
            output.Finish(ResponsesWriter.Incomplete);
            Tell("response.failed", ResponsesWriter.Failed, error);
        }

        await sse.FlushAsync(context.Aborted).ConfigureAwait(false);

        void Begin()
        {
            if (!hasBegun)
            {
                hasBegun = true;
                Tell("response.created", ResponsesWriter.InProgress);
                Tell("response.in_progress", ResponsesWriter.InProgress);
            }
        }

        void Tell(string type, string status, ApiException? error = null) => output.Tell(type, json =>
        {
            json.WritePropertyName("response"u8);
            writer.Write(json, status, output.Items, error);
        });
    }

    private static void AddStep(ResponsesRequest request, ChatStream stream, ResponsesOutput output)
    {
        for (int i = 0; i < stream.Parts.Count; i++)
        {
            // The step's token made its last piece; whatever was held back before is in the first ones.
            if (i == stream.Parts.Count - 1)
            {
                AddToken(request, stream, output);
            }

            output.Add(stream.Parts[i]);
        }

        if (stream.Parts.Count == 0)
        {
            AddToken(request, stream, output);
        }
    }

    // A token that ends the answer has no text.
    private static void AddToken(ResponsesRequest request, ChatStream stream, ResponsesOutput output)
    {
        if (request.Logprobs is not null && stream.Event is { Token: { } token, Finish: not FinishReason.StopId })
        {
            output.AddToken(new TokenLogprob(token.Id, token.Logprob, stream.Event.Alternatives));
        }
    }

    private static TokenSpelling SpellingOf(ResponsesRequest request) =>
        new(request.Model.Runtime.HasTokenizer ? request.Model.Runtime.Tokenizer : null, asIds: false);
}
