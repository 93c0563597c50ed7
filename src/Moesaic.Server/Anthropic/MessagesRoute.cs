using Moesaic.Engine;
using Moesaic.Server.Chat;
using Moesaic.Server.Errors;
using Moesaic.Server.OpenAi;
using Moesaic.Server.Routing;
using Moesaic.Server.Streaming;

namespace Moesaic.Server.Anthropic;

/// <summary>POST /v1/messages and /v1/messages/count_tokens.</summary>
internal static class MessagesRoute
{
    /// <summary>Answers a conversation, whole or as events.</summary>
    public static async Task HandleAsync(RequestContext context)
    {
        MessagesRequest request = await RequestReading.ReadAsync(context, static (body, c) => MessagesRequest.Read(body, c)).ConfigureAwait(false);
        context.Streams = request.Stream;
        await using ChatStream stream = await ChatStream.StartAsync(context, request.Model, request.Call).ConfigureAwait(false);
        MessageWriter writer = new(context.RequestId, request.Model.Name);
        await (request.Stream ? StreamAsync(context, stream, writer) : AnswerAsync(context, stream, writer)).ConfigureAwait(false);
    }

    /// <summary>Tells how many tokens a conversation has, as the model would see it.</summary>
    public static async Task CountAsync(RequestContext context)
    {
        MessagesRequest request = await RequestReading.ReadAsync(context, static (body, c) => MessagesRequest.Read(body, c, isCount: true)).ConfigureAwait(false);
        int count = ChatStream.Encode(request.Model, request.Call.Prompt, out _).Count;
        await context.WriteJsonAsync(200, json =>
        {
            json.WriteStartObject();
            json.WriteNumber("input_tokens"u8, count);
            json.WriteEndObject();
        }).ConfigureAwait(false);
    }

    private static async Task AnswerAsync(RequestContext context, ChatStream stream, MessageWriter writer)
    {
        BlockSplitter splitter = new();
        List<BlockEvent> blocks = [];
        while (await stream.NextAsync().ConfigureAwait(false))
        {
            Split(stream, splitter, blocks);
        }

        await context.WriteJsonAsync(200, json => writer.WriteWhole(json, blocks, EndOf(stream), UsageOf(stream))).ConfigureAwait(false);
    }

    private static async Task StreamAsync(RequestContext context, ChatStream stream, MessageWriter writer)
    {
        using SseWriter sse = new(context.Http.Response);
        BlockSplitter splitter = new();
        List<BlockEvent> blocks = [];
        bool hasBegun = false;
        context.KeepAlive(sse, _ =>
        {
            Begin();
            Ping();
        });
        try
        {
            while (await stream.NextAsync(sse).ConfigureAwait(false))
            {
                // Only now, so that a failure soon after still has a status, and cached tokens are known.
                Begin();
                blocks.Clear();
                Split(stream, splitter, blocks);
                foreach (BlockEvent block in blocks)
                {
                    MessageWriter.WriteBlockEvent(sse.Begin(MessageWriter.NameOf(block)), block);
                    sse.End();
                }
            }

            MessageWriter.WriteEnd(sse.Begin("message_delta"), EndOf(stream), UsageOf(stream));
            sse.End();
            MessageWriter.WriteBare(sse.Begin("message_stop"), "message_stop");
            sse.End();
        }
        catch (Exception failure) when (sse.HasBegun && !context.Aborted.IsCancellationRequested)
        {
            ErrorEnvelopes.Write(sse.Begin("error"), ErrorEnvelope.Anthropic, context.ToldInStream(failure), context.RequestId);
            sse.End();
        }

        await sse.FlushAsync(context.Aborted).ConfigureAwait(false);

        void Begin()
        {
            if (!hasBegun)
            {
                hasBegun = true;
                writer.WriteStart(sse.Begin("message_start"), UsageOf(stream));
                sse.End();
                Ping();
            }
        }

        void Ping()
        {
            MessageWriter.WriteBare(sse.Begin("ping"), "ping");
            sse.End();
        }
    }

    private static void Split(ChatStream stream, BlockSplitter splitter, List<BlockEvent> blocks)
    {
        foreach (ReplyPart part in stream.Parts)
        {
            splitter.Add(part, blocks);
        }

        if (stream.Event.Finish != FinishReason.None)
        {
            splitter.Finish(blocks);
        }
    }

    private static MessageEnd EndOf(ChatStream stream) => MessageEnd.Of(stream.SampleOf(0), stream.CalledTools(0));

    private static MessageUsage UsageOf(ChatStream stream) =>
        new(stream.NumPromptTokens - stream.NumCachedTokens, stream.NumCachedTokens, stream.NumGenerated);
}
