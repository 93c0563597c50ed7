using System.Collections.Immutable;
using System.Text.Json;
using Moesaic.Engine;
using Moesaic.Server.Chat;
using Moesaic.Server.Errors;

namespace Moesaic.Server.OpenAi;

/// <summary>Writes chat completions: events of a stream, or the whole.</summary>
internal sealed class ChatCompletionWriter(ChatCompletionRequest request, ChatStream stream, ReasoningFields reasoningFields) : IStreamWriter
{
    private readonly ResponseHead _head = new(
        "chatcmpl-", request.Common.Id, request.Common.Stream ? "chat.completion.chunk" : "chat.completion", request.Model);

    private readonly TokenSpelling _spelling = new(request.Model.Runtime.HasTokenizer ? request.Model.Runtime.Tokenizer : null, request.Common.TokensAsIds);

    // Reused by every event.
    private readonly List<TokenLogprob> _logprobs = [];

    /// <summary>What of a step the response shows.</summary>
    public bool Shows(in ReplyPart part) => part.Kind switch
    {
        ReplyPartKind.Reasoning => request.IncludeReasoning,
        ReplyPartKind.ToolCallEnd => false,
        _ => true,
    };

    /// <summary>The event that begins an answer; that of the first one tells of the prompt too.</summary>
    public void WriteRole(Utf8JsonWriter json, int sample, ImmutableArray<PromptTokenLogprob>? promptLogprobs)
    {
        BeginChunk(json, sample);
        json.WriteString("role"u8, "assistant");
        json.WriteString("content"u8, "");
        json.WriteEndObject();
        json.WriteNull("finish_reason"u8);
        json.WriteEndObject();
        json.WriteEndArray();
        if (request.Common.ReturnTokenIds && sample == 0)
        {
            ResponseHead.WriteIds(json, "prompt_token_ids", stream.PromptIds);
        }

        if (promptLogprobs is { } prompt)
        {
            LogprobWriter.WritePrompt(json, prompt, _spelling);
        }

        EndChunk(json);
    }

    /// <summary>A piece of an answer.</summary>
    /// <param name="json">Where to.</param>
    /// <param name="part">The piece; null: the step brings none.</param>
    /// <param name="token">The token that the step drew, if this event tells of it.</param>
    public void WritePiece(Utf8JsonWriter json, ReplyPart? part, GeneratedToken? token)
    {
        BeginChunk(json, stream.Sample);
        if (part is { } piece)
        {
            WriteDelta(json, piece);
        }

        json.WriteEndObject();
        if (token is { } drawn)
        {
            WriteToken(json, drawn);
        }

        json.WriteNull("finish_reason"u8);
        json.WriteEndObject();
        json.WriteEndArray();
        EndChunk(json);
    }

    /// <summary>The event that ends an answer.</summary>
    public void WriteEnd(Utf8JsonWriter json, GeneratedToken? token)
    {
        BeginChunk(json, stream.Sample);
        json.WriteEndObject();
        if (token is { } drawn)
        {
            WriteToken(json, drawn);
        }

        _head.WriteFinish(json, stream.SampleOf(stream.Sample), stream.CalledTools(stream.Sample));
        json.WriteEndObject();
        json.WriteEndArray();
        if (!request.Common.IncludeUsage)
        {
            json.WriteString("system_fingerprint"u8, _head.Fingerprint);
        }

        EndChunk(json);
    }

    /// <inheritdoc/>
    public void WriteUsage(Utf8JsonWriter json) => _head.WriteUsageEvent(json, Usage);

    /// <inheritdoc/>
    public void WriteFailure(Utf8JsonWriter json, ApiException error) => _head.WriteFailureEvent(
        json,
        Enumerable.Range(0, request.Common.NumSamples).Select(stream.SampleOf),
        static json =>
        {
            json.WriteStartObject("delta"u8);
            json.WriteEndObject();
        },
        error);

    /// <summary>The whole response.</summary>
    public void WriteWhole(Utf8JsonWriter json, IReadOnlyList<ChatAnswer> answers, ImmutableArray<PromptTokenLogprob>? promptLogprobs)
    {
        json.WriteStartObject();
        _head.Write(json);
        json.WriteString("system_fingerprint"u8, _head.Fingerprint);
        json.WriteStartArray("choices"u8);
        for (int i = 0; i < answers.Count; i++)
        {
            WriteChoice(json, i, answers[i]);
        }

        json.WriteEndArray();
        ResponseHead.WriteUsage(json, Usage);
        if (request.Common.ReturnTokenIds)
        {
            ResponseHead.WriteIds(json, "prompt_token_ids", stream.PromptIds);
        }

        if (promptLogprobs is { } prompt)
        {
            LogprobWriter.WritePrompt(json, prompt, _spelling);
        }

        json.WriteEndObject();
    }

    private void WriteChoice(Utf8JsonWriter json, int index, ChatAnswer answer)
    {
        json.WriteStartObject();
        json.WriteNumber("index"u8, index);
        json.WriteStartObject("message"u8);
        json.WriteString("role"u8, "assistant");
        if (answer.Content.Length == 0 && answer.Calls.Count > 0)
        {
            json.WriteNull("content"u8);
        }
        else
        {
            json.WriteString("content"u8, answer.Content.ToString());
        }

        if (answer.Reasoning.Length > 0 && request.IncludeReasoning)
        {
            WriteReasoning(json, answer.Reasoning.ToString());
        }

        if (answer.Calls.Count > 0)
        {
            json.WriteStartArray("tool_calls"u8);
            foreach (ChatAnswerCall call in answer.Calls)
            {
                json.WriteStartObject();
                json.WriteString("id"u8, call.Id);
                WriteFunction(json, call.Name, call.Arguments.ToString());
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        json.WriteEndObject();
        if (request.Logprobs)
        {
            LogprobWriter.WriteChat(json, answer.Tokens, _spelling);
        }
        else
        {
            json.WriteNull("logprobs"u8);
        }

        _head.WriteFinish(json, stream.SampleOf(index), stream.CalledTools(index));
        if (request.Common.ReturnTokenIds)
        {
            ResponseHead.WriteIds(json, "token_ids", [.. answer.Tokens.Select(static t => t.Id)]);
        }

        json.WriteEndObject();
    }

    private void BeginChunk(Utf8JsonWriter json, int sample)
    {
        json.WriteStartObject();
        _head.Write(json);
        json.WriteStartArray("choices"u8);
        json.WriteStartObject();
        json.WriteNumber("index"u8, sample);
        json.WriteStartObject("delta"u8);
    }

    private void EndChunk(Utf8JsonWriter json)
    {
        if (request.Common.ContinuousUsage)
        {
            ResponseHead.WriteUsage(json, Usage);
        }

        json.WriteEndObject();
    }

    private TokenUsage Usage => new(stream.NumPromptTokens, stream.NumCachedTokens, stream.NumGenerated, stream.NumReasoningTokens);

    private void WriteDelta(Utf8JsonWriter json, in ReplyPart part)
    {
        switch (part.Kind)
        {
            case ReplyPartKind.Reasoning:
                WriteReasoning(json, part.Text);
                break;
            case ReplyPartKind.ToolCallBegin:
                json.WriteStartArray("tool_calls"u8);
                json.WriteStartObject();
                json.WriteNumber("index"u8, part.ToolIndex);
                json.WriteString("id"u8, part.ToolId);
                WriteFunction(json, part.ToolName!, "");
                json.WriteEndObject();
                json.WriteEndArray();
                break;
            case ReplyPartKind.ToolCallArguments:
                json.WriteStartArray("tool_calls"u8);
                json.WriteStartObject();
                json.WriteNumber("index"u8, part.ToolIndex);
                json.WriteStartObject("function"u8);
                json.WriteString("arguments"u8, part.Text);
                json.WriteEndObject();
                json.WriteEndObject();
                json.WriteEndArray();
                break;
            default:
                json.WriteString("content"u8, part.Text);
                break;
        }
    }

    private void WriteReasoning(Utf8JsonWriter json, string text)
    {
        if (reasoningFields != ReasoningFields.Reasoning)
        {
            json.WriteString("reasoning_content"u8, text);
        }

        if (reasoningFields != ReasoningFields.ReasoningContent)
        {
            json.WriteString("reasoning"u8, text);
        }
    }

    private static void WriteFunction(Utf8JsonWriter json, string name, string arguments)
    {
        json.WriteString("type"u8, "function");
        json.WriteStartObject("function"u8);
        json.WriteString("name"u8, name);
        json.WriteString("arguments"u8, arguments);
        json.WriteEndObject();
    }

    private void WriteToken(Utf8JsonWriter json, GeneratedToken token)
    {
        if (request.Logprobs)
        {
            _logprobs.Clear();
            _logprobs.Add(new TokenLogprob(token.Id, token.Logprob, stream.Event.Alternatives));
            LogprobWriter.WriteChat(json, _logprobs, _spelling);
        }

        if (request.Common.ReturnTokenIds)
        {
            ResponseHead.WriteIds(json, "token_ids", [token.Id]);
        }
    }
}
