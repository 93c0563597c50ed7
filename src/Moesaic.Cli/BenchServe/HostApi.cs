using System.Buffers;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Moesaic.Cli.BenchServe;

/// <summary>What is asked of a host before a measurement: its models, and its tokenizer.</summary>
/// <param name="http">The connections.</param>
/// <param name="baseUrl">Where the host is, without a slash at the end.</param>
/// <param name="apiKey">Bearer token; null for none.</param>
internal sealed class HostApi(HttpMessageInvoker http, string baseUrl, string? apiKey) : IPromptCodec
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Name of the model in requests; set before the tokenizer is used.</summary>
    public string Model { get; set; } = "";

    /// <summary>Name of the first model that the host lists.</summary>
    /// <exception cref="HostException">The host is not there, or lists none.</exception>
    public async Task<string> FirstModelAsync(CancellationToken cancellationToken)
    {
        JsonElement reply = await SendAsync(HttpMethod.Get, "/v1/models", null, cancellationToken).ConfigureAwait(false);
        return reply.TryGetProperty("data", out JsonElement data) && data.ValueKind == JsonValueKind.Array && data.GetArrayLength() > 0
            && data[0].TryGetProperty("id", out JsonElement id) && id.ValueKind == JsonValueKind.String
                ? id.GetString()!
                : throw new HostException($"{baseUrl}/v1/models lists no model; give --model NAME");
    }

    public async Task<int[]> EncodeAsync(string text, CancellationToken cancellationToken)
    {
        // "prompt" as our hosts and vLLM's read it, "content" as llama.cpp's do.
        JsonElement reply = await SendAsync(
            HttpMethod.Post,
            "/tokenize",
            writer =>
            {
                writer.WriteString("model", Model);
                writer.WriteString("prompt", text);
                writer.WriteString("content", text);
                writer.WriteBoolean("add_special_tokens", false);
            },
            cancellationToken).ConfigureAwait(false);
        if (!reply.TryGetProperty("tokens", out JsonElement tokens) || tokens.ValueKind != JsonValueKind.Array)
        {
            throw new HostException($"{baseUrl}/tokenize answers without an array \"tokens\"; give --tokenizer PATH");
        }

        int[] ids = new int[tokens.GetArrayLength()];
        for (int i = 0; i < ids.Length; i++)
        {
            ids[i] = tokens[i].ValueKind == JsonValueKind.Number && tokens[i].TryGetInt32(out int id)
                ? id
                : throw new HostException($"{baseUrl}/tokenize: tokens[{i}] is no token id; give --tokenizer PATH");
        }

        return ids;
    }

    public async Task<string> DecodeAsync(int[] ids, CancellationToken cancellationToken)
    {
        JsonElement reply = await SendAsync(
            HttpMethod.Post,
            "/detokenize",
            writer =>
            {
                writer.WriteString("model", Model);
                writer.WriteStartArray("tokens");
                foreach (int id in ids)
                {
                    writer.WriteNumberValue(id);
                }

                writer.WriteEndArray();
            },
            cancellationToken).ConfigureAwait(false);
        return (reply.TryGetProperty("prompt", out JsonElement text) || reply.TryGetProperty("content", out text)) && text.ValueKind == JsonValueKind.String
            ? text.GetString()!
            : throw new HostException($"{baseUrl}/detokenize answers without a string \"prompt\"; give --tokenizer PATH");
    }

    private async Task<JsonElement> SendAsync(HttpMethod method, string path, Action<Utf8JsonWriter>? write, CancellationToken cancellationToken)
    {
        using CancellationTokenSource deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(Patience);
        using HttpRequestMessage request = new(method, baseUrl + path);
        request.Headers.Authorization = apiKey is null ? null : new AuthenticationHeaderValue("Bearer", apiKey);
        request.Content = write is null ? null : Body(write);
        try
        {
            using HttpResponseMessage response = await http.SendAsync(request, deadline.Token).ConfigureAwait(false);
            byte[] body = await response.Content.ReadAsByteArrayAsync(deadline.Token).ConfigureAwait(false);
            if (!response.IsSuccessStatusCode)
            {
                throw new HostException($"{baseUrl}{path}: {ErrorText.OfReply(response.StatusCode, body)}");
            }

            Utf8JsonReader reader = new(body);
            JsonElement reply = JsonElement.ParseValue(ref reader);
            return reply.ValueKind == JsonValueKind.Object ? reply : throw new HostException($"{baseUrl}{path}: the answer is no JSON object");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new HostException($"{baseUrl}{path}: no answer after {Patience.TotalSeconds} s");
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or JsonException)
        {
            throw new HostException($"{baseUrl}{path}: {ErrorText.OfException(exception)}");
        }
    }

    private static ReadOnlyMemoryContent Body(Action<Utf8JsonWriter> write)
    {
        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter writer = new(buffer))
        {
            writer.WriteStartObject();
            write(writer);
            writer.WriteEndObject();
        }

        ReadOnlyMemoryContent content = new(buffer.WrittenMemory);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json", Encoding.UTF8.WebName);
        return content;
    }
}
