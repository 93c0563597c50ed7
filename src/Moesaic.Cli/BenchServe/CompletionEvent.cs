using System.Text;
using System.Text.Json;

namespace Moesaic.Cli.BenchServe;

/// <summary>What one event of a completion, or of a chat completion, says.</summary>
internal readonly record struct CompletionEvent
{
    /// <summary>Whether it carries a piece of the answer: text, reasoning or a part of a tool call.</summary>
    public bool HasContent { get; private init; }

    /// <summary>Whether a choice is finished by it.</summary>
    public bool IsFinish { get; private init; }

    public int? PromptTokens { get; private init; }

    public int? OutputTokens { get; private init; }

    /// <summary>What went wrong, as the host says it; null when nothing did.</summary>
    public string? Error { get; private init; }

    /// <exception cref="JsonException">It is no JSON object.</exception>
    public static CompletionEvent Parse(ReadOnlySpan<byte> json)
    {
        CompletionEvent result = default;
        Utf8JsonReader reader = new(json);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            throw new JsonException("an event of the stream is no JSON object: " + Encoding.UTF8.GetString(json[..Math.Min(json.Length, 200)]));
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("choices"u8))
            {
                result = ReadChoices(ref reader, result);
            }
            else if (reader.ValueTextEquals("usage"u8))
            {
                result = ReadUsage(ref reader, result);
            }
            else if (reader.ValueTextEquals("error"u8))
            {
                reader.Read();
                result = reader.TokenType == JsonTokenType.Null ? result : result with { Error = ErrorText.OfElement(JsonElement.ParseValue(ref reader)) };
            }
            else
            {
                reader.Skip();
            }
        }

        return result;
    }

    private static CompletionEvent ReadChoices(ref Utf8JsonReader reader, CompletionEvent result)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            reader.Skip();
            return result;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
        {
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                bool isText = reader.ValueTextEquals("text"u8);
                bool isDelta = reader.ValueTextEquals("delta"u8);
                bool isFinish = reader.ValueTextEquals("finish_reason"u8);
                reader.Read();
                if (isDelta && reader.TokenType == JsonTokenType.StartObject)
                {
                    result = result with { HasContent = result.HasContent | ReadDelta(ref reader) };
                }
                else if (isFinish && reader.TokenType == JsonTokenType.String)
                {
                    bool isError = reader.ValueTextEquals("error"u8);
                    result = result with { IsFinish = true, Error = isError ? result.Error ?? "the host ended the answer with finish_reason \"error\"" : result.Error };
                }
                else
                {
                    result = isText && IsFilled(ref reader) ? result with { HasContent = true } : result;
                    reader.Skip();
                }
            }
        }

        return result;
    }

    private static bool ReadDelta(ref Utf8JsonReader reader)
    {
        bool hasContent = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            bool counts = reader.ValueTextEquals("content"u8) || reader.ValueTextEquals("reasoning"u8)
                || reader.ValueTextEquals("reasoning_content"u8) || reader.ValueTextEquals("tool_calls"u8);
            reader.Read();
            hasContent |= counts && IsFilled(ref reader);
            reader.Skip();
        }

        return hasContent;
    }

    private static bool IsFilled(ref Utf8JsonReader reader) => reader.TokenType switch
    {
        JsonTokenType.String => reader.HasValueSequence || reader.ValueSpan.Length > 0,
        JsonTokenType.StartArray => true,
        _ => false,
    };

    private static CompletionEvent ReadUsage(ref Utf8JsonReader reader, CompletionEvent result)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return result;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            bool isPrompt = reader.ValueTextEquals("prompt_tokens"u8);
            bool isOutput = reader.ValueTextEquals("completion_tokens"u8);
            reader.Read();
            if ((isPrompt || isOutput) && reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out int count) && count >= 0)
            {
                result = isPrompt ? result with { PromptTokens = count } : result with { OutputTokens = count };
            }

            reader.Skip();
        }

        return result;
    }
}
