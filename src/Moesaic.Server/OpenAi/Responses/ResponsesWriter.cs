using System.Text.Json;
using Moesaic.Engine;
using Moesaic.Server.Chat;
using Moesaic.Server.Errors;

namespace Moesaic.Server.OpenAi.Responses;

/// <summary>Writes the response object.</summary>
internal sealed class ResponsesWriter(ResponsesRequest request, ChatStream stream)
{
    public const string InProgress = "in_progress";
    public const string Completed = "completed";
    public const string Incomplete = "incomplete";
    public const string Failed = "failed";

    private readonly long _created = DateTimeOffset.UtcNow.ToUnixTimeSeconds();

    /// <summary>How an ended answer is told of: incomplete when it ran out of tokens.</summary>
    public static string StatusOf(GenerationSample sample) => sample.Finish == FinishReason.Length ? Incomplete : Completed;

    /// <summary>The response as it stands now.</summary>
    public void Write(Utf8JsonWriter json, string status, IReadOnlyList<ResponsesItem> items, ApiException? error = null)
    {
        json.WriteStartObject();
        json.WriteString("id"u8, "resp_" + request.Id);
        json.WriteString("object"u8, "response");
        json.WriteNumber("created_at"u8, _created);
        json.WriteString("status"u8, status);
        WriteError(json, error);
        if (status == Incomplete)
        {
            json.WriteStartObject("incomplete_details"u8);
            json.WriteString("reason"u8, "max_output_tokens");
            json.WriteEndObject();
        }
        else
        {
            json.WriteNull("incomplete_details"u8);
        }

        WriteText(json, "instructions", request.Instructions);
        if (request.MaxOutputTokens is { } most)
        {
            json.WriteNumber("max_output_tokens"u8, most);
        }
        else
        {
            json.WriteNull("max_output_tokens"u8);
        }

        json.WriteString("model"u8, request.Model.Name);
        json.WriteStartArray("output"u8);
        for (int i = 0; i < items.Count; i++)
        {
            // Only the last item can be cut off.
            items[i].Write(json, status is Incomplete or Failed && i == items.Count - 1 ? Incomplete : Completed);
        }

        json.WriteEndArray();
        WriteSettings(json);
        if (status == InProgress)
        {
            json.WriteNull("usage"u8);
        }
        else
        {
            WriteUsage(json);
        }

        json.WriteEndObject();
    }

    private void WriteSettings(Utf8JsonWriter json)
    {
        json.WriteBoolean("parallel_tool_calls"u8, !request.Call.OneToolCall);
        json.WriteNull("previous_response_id"u8);
        json.WriteStartObject("reasoning"u8);
        WriteText(json, "effort", request.ReasoningEffort);
        json.WriteNull("summary"u8);
        json.WriteEndObject();
        json.WriteBoolean("store"u8, false);
        json.WriteNumber("temperature"u8, request.Call.Sampling.Temperature);
        json.WriteNumber("top_p"u8, request.Call.Sampling.TopP);
        json.WriteStartObject("text"u8);
        json.WriteStartObject("format"u8);
        json.WriteString("type"u8, "text");
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteString("tool_choice"u8, request.ToolChoice);
        json.WritePropertyName("tools"u8);
        if (request.Tools is { } tools)
        {
            tools.WriteTo(json);
        }
        else
        {
            json.WriteStartArray();
            json.WriteEndArray();
        }

        json.WriteString("truncation"u8, "disabled");
        json.WritePropertyName("metadata"u8);
        if (request.Metadata is { } metadata)
        {
            metadata.WriteTo(json);
        }
        else
        {
            json.WriteStartObject();
            json.WriteEndObject();
        }
    }

    private void WriteUsage(Utf8JsonWriter json)
    {
        json.WriteStartObject("usage"u8);
        json.WriteNumber("input_tokens"u8, stream.NumPromptTokens);
        json.WriteStartObject("input_tokens_details"u8);
        json.WriteNumber("cached_tokens"u8, stream.NumCachedTokens);
        json.WriteEndObject();
        json.WriteNumber("output_tokens"u8, stream.NumGenerated);
        json.WriteStartObject("output_tokens_details"u8);
        json.WriteNumber("reasoning_tokens"u8, stream.NumReasoningTokens);
        json.WriteEndObject();
        json.WriteNumber("total_tokens"u8, stream.NumPromptTokens + stream.NumGenerated);
        json.WriteEndObject();
    }

    private static void WriteError(Utf8JsonWriter json, ApiException? error)
    {
        if (error is null)
        {
            json.WriteNull("error"u8);
            return;
        }

        json.WriteStartObject("error"u8);
        json.WriteString("code"u8, error.Code);
        json.WriteString("message"u8, error.Message);
        json.WriteEndObject();
    }

    private static void WriteText(Utf8JsonWriter json, string name, string? text)
    {
        if (text is null)
        {
            json.WriteNull(name);
        }
        else
        {
            json.WriteString(name, text);
        }
    }
}
