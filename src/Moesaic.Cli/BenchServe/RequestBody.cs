using System.Text.Encodings.Web;
using System.Text.Json;

namespace Moesaic.Cli.BenchServe;

/// <summary>Bodies of requests, written before the measurement begins.</summary>
/// <param name="Model">Name of the model.</param>
/// <param name="IsChat">Whether they are for /v1/chat/completions.</param>
/// <param name="Temperature">Sampling temperature.</param>
/// <param name="IgnoreEos">Whether the host is asked to go past the end token.</param>
/// <param name="Extra">An object whose members are added and replace those of the same name; null for none.</param>
internal sealed record RequestBody(string Model, bool IsChat, double Temperature, bool IgnoreEos, JsonElement? Extra)
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public byte[] Write(BenchPrompt prompt)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter writer = new(stream, Options))
        {
            writer.WriteStartObject();
            Write(writer, "model", () => writer.WriteStringValue(Model));
            Write(writer, IsChat ? "messages" : "prompt", () => WritePrompt(writer, prompt));
            Write(writer, IsChat ? "max_completion_tokens" : "max_tokens", () => writer.WriteNumberValue(prompt.OutputTokens));
            Write(writer, "temperature", () => writer.WriteNumberValue(Temperature));
            Write(writer, "stream", () => writer.WriteBooleanValue(true));
            Write(writer, "stream_options", () => writer.WriteRawValue("""{"include_usage":true}"""u8));
            if (IgnoreEos)
            {
                Write(writer, "ignore_eos", () => writer.WriteBooleanValue(true));
            }

            foreach (JsonProperty property in Extra?.EnumerateObject() ?? default)
            {
                property.WriteTo(writer);
            }

            writer.WriteEndObject();
        }

        return stream.ToArray();
    }

    private void Write(Utf8JsonWriter writer, string name, Action value)
    {
        if (Extra?.TryGetProperty(name, out _) != true)
        {
            writer.WritePropertyName(name);
            value();
        }
    }

    private void WritePrompt(Utf8JsonWriter writer, BenchPrompt prompt)
    {
        if (IsChat && prompt.Messages is not null)
        {
            writer.WriteRawValue(prompt.Messages);
        }
        else if (IsChat)
        {
            writer.WriteStartArray();
            writer.WriteStartObject();
            writer.WriteString("role", "user");
            writer.WriteString("content", prompt.Text ?? throw new UsageException("/v1/chat/completions takes no token ids; use --random-prompt text or prompts as text"));
            writer.WriteEndObject();
            writer.WriteEndArray();
        }
        else if (prompt.Ids is not null)
        {
            writer.WriteStartArray();
            foreach (int id in prompt.Ids)
            {
                writer.WriteNumberValue(id);
            }

            writer.WriteEndArray();
        }
        else
        {
            writer.WriteStringValue(prompt.Text ?? throw new UsageException("recorded messages go to --endpoint /v1/chat/completions only"));
        }
    }
}
