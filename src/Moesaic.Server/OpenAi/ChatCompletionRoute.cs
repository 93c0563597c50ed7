using System.Collections.Immutable;
using Moesaic.Engine;
using Moesaic.Server.Chat;
using Moesaic.Server.Routing;
using Moesaic.Server.Streaming;

namespace Moesaic.Server.OpenAi;

/// <summary>POST /v1/chat/completions.</summary>
internal static class ChatCompletionRoute
{
    public static async Task HandleAsync(RequestContext context)
    {
        ChatCompletionRequest request = await RequestReading.ReadAsync(context, ChatCompletionRequest.Read).ConfigureAwait(false);
        context.Streams = request.Common.Stream;
        await using ChatStream stream = await ChatStream.StartAsync(context, request.Model, request.Call).ConfigureAwait(false);
        ChatCompletionWriter writer = new(request, stream, context.Options.ReasoningFields);
        await (request.Common.Stream
            ? CompletionStream.WriteAsync(context, request.Common.IncludeUsage, writer, sse => WriteAnswersAsync(request, stream, writer, sse))
            : AnswerAsync(context, request, stream, writer)).ConfigureAwait(false);
    }

    private static async Task AnswerAsync(RequestContext context, ChatCompletionRequest request, ChatStream stream, ChatCompletionWriter writer)
    {
        ChatAnswer[] answers = [.. Enumerable.Range(0, request.Common.NumSamples).Select(static _ => new ChatAnswer())];
        bool keepTokens = request.Logprobs || request.Common.ReturnTokenIds;
        while (await stream.NextAsync().ConfigureAwait(false))
        {
            answers[stream.Sample].Add(stream, keepTokens);
        }

        ImmutableArray<PromptTokenLogprob>? prompt = stream.Generation.PromptLogprobs is { } wanted ? await wanted.ConfigureAwait(false) : null;
        await context.WriteJsonAsync(200, json => writer.WriteWhole(json, answers, prompt)).ConfigureAwait(false);
    }

    private static async Task WriteAnswersAsync(ChatCompletionRequest request, ChatStream stream, ChatCompletionWriter writer, SseWriter sse)
    {
        bool[] begun = new bool[request.Common.NumSamples];
        while (await stream.NextAsync(sse).ConfigureAwait(false))
        {
            if (!begun[stream.Sample])
            {
                begun[stream.Sample] = true;
                // Known by now: the prompt comes before the first token.
                ImmutableArray<PromptTokenLogprob>? prompt = stream.Sample == 0 && stream.Generation.PromptLogprobs is { } wanted ? await wanted.ConfigureAwait(false) : null;
                writer.WriteRole(sse.Begin(), stream.Sample, prompt);
                sse.End();
            }

            WriteStep(request, stream, writer, sse);
        }
    }

    // A step's token is told of once: with the step's last piece, or with the end.
    private static void WriteStep(ChatCompletionRequest request, ChatStream stream, ChatCompletionWriter writer, SseWriter sse)
    {
        bool isEnd = stream.Event.Finish != FinishReason.None;
        GeneratedToken? token = request.Logprobs || request.Common.ReturnTokenIds ? stream.Event.Token : null;
        int last = -1;
        for (int i = 0; i < stream.Parts.Count; i++)
        {
            last = writer.Shows(stream.Parts[i]) ? i : last;
        }

        for (int i = 0; i <= last; i++)
        {
            if (writer.Shows(stream.Parts[i]))
            {
                writer.WritePiece(sse.Begin(), stream.Parts[i], i == last && !isEnd ? token : null);
                sse.End();
            }
        }

        if (isEnd)
        {
            writer.WriteEnd(sse.Begin(), token);
            sse.End();
        }
        else if (last < 0 && token is not null)
        {
            writer.WritePiece(sse.Begin(), null, token);
            sse.End();
        }
    }
}
