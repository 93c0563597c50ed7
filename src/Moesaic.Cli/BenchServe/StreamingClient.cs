using System.Net.Http.Headers;
using System.Text.Json;

namespace Moesaic.Cli.BenchServe;

/// <summary>
/// Sends one request and takes the time of each event as its bytes come out of the socket, before they are looked at.
/// Nothing but an order to stop comes out as an exception: a request that goes wrong is a result.
/// </summary>
/// <param name="http">The connections.</param>
/// <param name="endpoint">Where to send it.</param>
/// <param name="apiKey">Bearer token; null for none.</param>
/// <param name="clock">What tells the time.</param>
/// <param name="timeout">Longest time for one request.</param>
internal sealed class StreamingClient(HttpMessageInvoker http, Uri endpoint, string? apiKey, TimeProvider clock, TimeSpan timeout)
{
    private const int MaxErrorBytes = 64 << 10;

    private readonly AuthenticationHeaderValue? _authorization = apiKey is null ? null : new("Bearer", apiKey);

    public TimeProvider Clock => clock;

    /// <param name="body">The request.</param>
    /// <param name="record">What is observed.</param>
    /// <param name="origin">The clock's stamp at the start of the run.</param>
    /// <param name="cancellationToken">An order to stop.</param>
    public async Task SendAsync(ReadOnlyMemory<byte> body, RequestRecord record, long origin, CancellationToken cancellationToken)
    {
        using CancellationTokenSource deadline = new(timeout, clock);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        using HttpRequestMessage request = new(HttpMethod.Post, endpoint) { Content = new ReadOnlyMemoryContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.Authorization = _authorization;
        record.Start = clock.GetElapsedTime(origin).TotalSeconds;
        try
        {
            using HttpResponseMessage response = await http.SendAsync(request, either.Token).ConfigureAwait(false);
            Stream stream = await response.Content.ReadAsStreamAsync(either.Token).ConfigureAwait(false);
            await using (stream.ConfigureAwait(false))
            {
                record.Error = !response.IsSuccessStatusCode
                    ? ErrorText.OfReply(response.StatusCode, await ReadErrorAsync(stream, either.Token).ConfigureAwait(false))
                    : response.Content.Headers.ContentType?.MediaType != "text/event-stream"
                        ? $"the answer is {response.Content.Headers.ContentType?.MediaType ?? "of no type"}; expected text/event-stream"
                        : await ReadEventsAsync(stream, record, origin, either.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested && deadline.IsCancellationRequested)
        {
            record.Error = $"no end after {timeout.TotalSeconds} s";
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or JsonException or FormatException or InvalidOperationException)
        {
            record.Error = ErrorText.OfException(exception);
        }

        record.End = clock.GetElapsedTime(origin).TotalSeconds;
        if (!record.HasUsage)
        {
            record.OutputTokens = record.EventTimes.Count;
        }
    }

    /// <returns>What went wrong; null when the answer is complete.</returns>
    private async Task<string?> ReadEventsAsync(Stream stream, RequestRecord record, long origin, CancellationToken cancellationToken)
    {
        EventStream events = new();
        bool isFinished = false;
        while (true)
        {
            int count = await stream.ReadAsync(events.Space(), cancellationToken).ConfigureAwait(false);
            double now = clock.GetElapsedTime(origin).TotalSeconds;
            if (count == 0)
            {
                return isFinished ? null : "the stream ended before the answer did";
            }

            events.Advance(count);
            while (events.TryRead(out ReadOnlySpan<byte> data))
            {
                if (data.SequenceEqual("[DONE]"u8))
                {
                    return isFinished ? null : "the stream was closed without a finish_reason";
                }

                CompletionEvent one = CompletionEvent.Parse(data);
                if (one.Error is not null)
                {
                    return one.Error;
                }

                if (one.HasContent)
                {
                    record.AddEvent(now);
                }

                isFinished |= one.IsFinish;
                record.PromptTokens = one.PromptTokens ?? record.PromptTokens;
                record.OutputTokens = one.OutputTokens ?? record.OutputTokens;
                record.HasUsage |= one.OutputTokens is not null;
            }
        }
    }

    private static async Task<byte[]> ReadErrorAsync(Stream stream, CancellationToken cancellationToken)
    {
        byte[] body = new byte[MaxErrorBytes];
        int length = await stream.ReadAtLeastAsync(body, body.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
        return body[..length];
    }
}
