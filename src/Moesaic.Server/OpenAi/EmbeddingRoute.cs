using System.Runtime.InteropServices;
using System.Text.Json;
using Moesaic.Engine;
using Moesaic.Server.Errors;
using Moesaic.Server.Routing;

namespace Moesaic.Server.OpenAi;

/// <summary>POST /v1/embeddings: vectors of texts by an encoder; concurrent requests share its steps.</summary>
internal static class EmbeddingRoute
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    public static async Task HandleAsync(RequestContext context)
    {
        EmbeddingRequest request = await RequestReading.ReadAsync(context, EmbeddingRequest.Read).ConfigureAwait(false);
        float[][] vectors = await EmbedAsync(request, context).ConfigureAwait(false);
        await context.WriteJsonAsync(200, json => Write(json, request, vectors)).ConfigureAwait(false);
    }

    private static async Task<float[][]> EmbedAsync(EmbeddingRequest request, RequestContext context)
    {
        using CancellationTokenSource deadline = new(context.TimeLeft ?? Timeout.InfiniteTimeSpan, context.Services.Clock);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, context.Aborted);
        try
        {
            return await request.Encoder.Engine.EmbedAsync(request.Texts, either.Token).ConfigureAwait(false);
        }
        catch (EmbeddingQueueFullException exception)
        {
            throw new ApiException(429, ErrorCodes.QueueFull, exception.Message, retryAfter: RetryAfter);
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested && !context.Aborted.IsCancellationRequested)
        {
            throw new ApiException(504, ErrorCodes.DeadlineExceeded, "the request's time ran out before its embeddings were made");
        }
        catch (Exception exception) when (exception is ObjectDisposedException || (exception is OperationCanceledException && !context.Aborted.IsCancellationRequested))
        {
            throw ApiException.Draining();
        }
    }

    private static void Write(Utf8JsonWriter json, EmbeddingRequest request, float[][] vectors)
    {
        json.WriteStartObject();
        json.WriteString("object"u8, "list");
        json.WriteStartArray("data"u8);
        for (int i = 0; i < vectors.Length; i++)
        {
            json.WriteStartObject();
            json.WriteString("object"u8, "embedding");
            json.WriteNumber("index"u8, i);
            if (request.IsBase64)
            {
                // Little-endian float32, as every processor that this runs on has it.
                json.WriteBase64String("embedding"u8, MemoryMarshal.AsBytes(vectors[i].AsSpan()));
            }
            else
            {
                json.WriteStartArray("embedding"u8);
                foreach (float value in vectors[i])
                {
                    json.WriteNumberValue(value);
                }

                json.WriteEndArray();
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteString("model"u8, request.Encoder.Name);
        long tokens = request.Texts.Sum(static t => (long)t.Length);
        json.WriteStartObject("usage"u8);
        json.WriteNumber("prompt_tokens"u8, tokens);
        json.WriteNumber("total_tokens"u8, tokens);
        json.WriteEndObject();
        json.WriteEndObject();
    }
}
