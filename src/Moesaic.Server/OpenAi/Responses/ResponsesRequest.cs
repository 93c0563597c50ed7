using System.Text.Json;
using Moesaic.Engine;
using Moesaic.Models.ChatTemplates;
using Moesaic.Server.Catalog;
using Moesaic.Server.Chat;
using Moesaic.Server.Json;
using Moesaic.Server.Routing;

namespace Moesaic.Server.OpenAi.Responses;

/// <summary>A request to /v1/responses. Nothing is kept of it.</summary>
internal sealed record ResponsesRequest
{
    public required ServedModel Model { get; init; }

    public required string Id { get; init; }

    public required ChatCall Call { get; init; }

    public bool Stream { get; init; }

    // What the response repeats.
    public string? Instructions { get; init; }

    public int? MaxOutputTokens { get; init; }

    public string? ReasoningEffort { get; init; }

    /// <summary>Alternatives wanted to each token of the text; null: no log-probabilities.</summary>
    public int? Logprobs { get; init; }

    public JsonElement? Tools { get; init; }

    public JsonElement? Metadata { get; init; }

    public required string ToolChoice { get; init; }

    /// <exception cref="Errors.ApiException">400 or 404: the message names the field.</exception>
    public static ResponsesRequest Read(JsonFields body, RequestContext context)
    {
        ServedModel model = CommonFields.Model(body, context);
        RefuseUnsupported(body);
        IReadOnlyList<ChatTemplateValue> tools = ToolReader.Read(body, isFlat: true);
        string? instructions = body.Find("instructions")?.Text();
        int? maxTokens = body.Find("max_output_tokens")?.Integer(1, int.MaxValue);
        string? effort = ReadEffort(body);
        int? logprobs = ReadLogprobs(body);
        JsonField input = body.Require("input");
        return new ResponsesRequest
        {
            Model = model,
            Id = context.RequestId,
            Stream = body.Find("stream")?.Flag() ?? false,
            Instructions = instructions,
            MaxOutputTokens = maxTokens,
            ReasoningEffort = effort,
            Logprobs = logprobs,
            Tools = body.Find("tools")?.Json.Clone(),
            Metadata = body.FindMap("metadata")?.Clone(),
            ToolChoice = body.Find("tool_choice")?.Text() ?? "auto",
            Call = new ChatCall
            {
                Prompt = TemplateFields.ReadVariables(body, effort) with { Turns = ResponsesInput.Read(instructions, input), Tools = tools },
                Sampling = SamplingFields.Read(body, model, maxTokens, logprobs ?? 0),
                Priority = body.Find("priority")?.Integer(int.MinValue, int.MaxValue) ?? 0,
                CacheSalt = body.Find("cache_salt")?.Text(RequestLimits.MaxCacheSalt) ?? "",
                OneToolCall = body.Find("parallel_tool_calls")?.Flag() == false,
                SkipSpecialTokens = body.Find("skip_special_tokens")?.Flag() ?? true,
                IncludeStopString = body.Find("include_stop_str_in_output")?.Flag() ?? false,
            },
        };
    }

    private static void RefuseUnsupported(JsonFields body)
    {
        CommonFields.RefuseUnsupported(body);
        body.Refuse("previous_response_id", "nothing is stored here; send the whole conversation as input");
        body.Refuse("conversation", "nothing is stored here; send the whole conversation as input");
        body.Refuse("background", "a response is given at once or not at all; leave it out");
        body.Refuse("prompt", "nothing is stored here; send the prompt as input");
        body.Refuse("max_tool_calls", "built-in tools, which it bounds, are not done here");
        if (body.Find("truncation") is { } truncation && truncation.OneOf("auto", "disabled") == "auto")
        {
            throw truncation.NotSupported("input is never cut silently; shorten it");
        }

        if (body.Find("text") is { } text)
        {
            JsonFields fields = text.Object();
            if (fields.Find("format") is { } format && format.Object().Require("type").Text(RequestLimits.MaxName) != "text")
            {
                throw format.NotSupported("only {\"type\": \"text\"} is done here: there is no constrained decoding yet");
            }

            if (fields.Find("verbosity") is { } verbosity && verbosity.OneOf("low", "medium", "high") != "medium")
            {
                throw verbosity.NotSupported("ask for the length in the prompt");
            }
        }

        body.IgnoreTexts("user", "service_tier", "safety_identifier", "prompt_cache_key", "prompt_cache_retention");
        body.FindMap("stream_options");
    }

    /// <summary>Alternatives to each token of the answer's text; null: log-probabilities are not wanted.</summary>
    private static int? ReadLogprobs(JsonFields body)
    {
        bool wants = false;
        foreach (JsonField item in body.Find("include")?.Items(16) ?? [])
        {
            string name = item.Text(RequestLimits.MaxName);
            wants |= name == "message.output_text.logprobs";

            // Reasoning is given in the open.
            if (name is not ("message.output_text.logprobs" or "reasoning.encrypted_content"))
            {
                throw item.NotSupported("there is nothing of this kind here to include");
            }
        }

        JsonField? top = body.Find("top_logprobs");
        int count = top?.Integer(0, RequestLimits.MaxTopLogprobs) ?? 0;
        return wants ? count
            : count == 0 ? null
            : throw top!.Value.Invalid("it is only for requests that include 'message.output_text.logprobs'");
    }

    private static string? ReadEffort(JsonFields body)
    {
        JsonFields? reasoning = body.Find("reasoning")?.Object();
        reasoning?.Ignore("summary", "generate_summary");
        return reasoning?.Find("effort")?.OneOf("none", "minimal", "low", "medium", "high", "xhigh");
    }
}
