using System.Text;
using System.Text.Json;

namespace Moesaic.Server.Tests.Hosting;

/// <summary>Asks /v1/completions as a client would and gives back what it said, with how it ended.</summary>
internal static class StreamedText
{
    /// <summary>A request that always gets the same answer, of as many tokens as asked for.</summary>
    public static string Body(string prompt, int seed, int tokens, bool stream) =>
        $$"""{"model":"ling","prompt":{{JsonSerializer.Serialize(prompt)}},"max_tokens":{{tokens}},"temperature":0.8,"seed":{{seed}},"ignore_eos":true,"stream":{{(stream ? "true" : "false")}}}""";

    /// <summary>The whole answer; a stream that has no proper end, or tells of a failure, fails the test.</summary>
    public static async Task<string> AskAsync(HttpClient client, string body, CancellationToken cancellationToken = default)
    {
        using HttpResponseMessage response = await SendAsync(client, body, cancellationToken);
        string text = await response.Content.ReadAsStringAsync(cancellationToken);
        if ((int)response.StatusCode != 200)
        {
            throw new InvalidDataException($"{(int)response.StatusCode}: {text}");
        }

        return response.Content.Headers.ContentType!.MediaType == "text/event-stream" ? OfStream(text) : OfChunk(text);
    }

    public static Task<HttpResponseMessage> SendAsync(HttpClient client, string body, CancellationToken cancellationToken)
    {
        HttpRequestMessage request = new(HttpMethod.Post, "/v1/completions") { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        return client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
    }

    private static string OfStream(string events)
    {
        StringBuilder text = new();
        string[] data = [.. events.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Where(static e => e.StartsWith("data: ", StringComparison.Ordinal)).Select(static e => e[6..])];
        if (data.Length == 0 || data[^1] != "[DONE]")
        {
            throw new InvalidDataException("the stream has no end: " + events);
        }

        foreach (string chunk in data[..^1])
        {
            text.Append(OfChunk(chunk));
        }

        return text.ToString();
    }

    private static string OfChunk(string json)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        if (document.RootElement.TryGetProperty("error", out JsonElement error))
        {
            throw new InvalidDataException("the stream failed: " + error.GetRawText());
        }

        StringBuilder text = new();
        foreach (JsonElement choice in document.RootElement.GetProperty("choices").EnumerateArray())
        {
            text.Append(choice.GetProperty("text").GetString());
            if (choice.TryGetProperty("finish_reason", out JsonElement finish) && finish.ValueKind == JsonValueKind.String)
            {
                text.Append('<').Append(finish.GetString()).Append('>');
            }
        }

        return text.ToString();
    }
}
