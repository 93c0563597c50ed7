using Moesaic.Engine;
using Moesaic.Models.ChatTemplates;
using Moesaic.Server.Catalog;
using Moesaic.Server.Chat;
using Moesaic.Server.Json;
using Moesaic.Server.Routing;

namespace Moesaic.Server.OpenAi;

/// <summary>A request to /v1/chat/completions.</summary>
internal sealed record ChatCompletionRequest
{
    public required ServedModel Model { get; init; }

    public required CommonFields Common { get; init; }

    public required ChatCall Call { get; init; }

    /// <summary>Whether each token's log-probability is wanted.</summary>
    public bool Logprobs { get; init; }

    /// <summary>Whether thinking is part of the response at all.</summary>
    public bool IncludeReasoning { get; init; } = true;

    /// <exception cref="Errors.ApiException">400 or 404: the message names the field.</exception>
    public static ChatCompletionRequest Read(JsonFields body, RequestContext context)
    {
        ServedModel model = CommonFields.Model(body, context);
        CommonFields common = CommonFields.Read(body, context);
        RefuseUnsupported(body);
        IReadOnlyList<ChatTemplateValue> tools = ToolReader.Read(body);
        bool logprobs = body.Find("logprobs")?.Flag() ?? false;
        JsonField? top = body.Find("top_logprobs");
        if (top is { } given && !logprobs)
        {
            throw given.Invalid("it is only for requests with 'logprobs': true");
        }

        int? maxTokens = body.FindEither("max_completion_tokens", "max_tokens")?.Integer(1, int.MaxValue);
        return new ChatCompletionRequest
        {
            Model = model,
            Common = common,
            Logprobs = logprobs,
            IncludeReasoning = body.Find("include_reasoning")?.Flag() ?? true,
            Call = new ChatCall
            {
                Prompt = TemplateFields.Read(body, tools),
                Sampling = SamplingFields.Read(body, model, maxTokens, top?.Integer(0, RequestLimits.MaxTopLogprobs) ?? 0),
                NumSamples = common.NumSamples,
                Priority = common.Priority,
                CacheSalt = common.CacheSalt,
                PromptLogprobs = common.PromptLogprobs,
                SeparateReasoning = body.Find("separate_reasoning")?.Flag() ?? true,
                OneToolCall = body.Find("parallel_tool_calls")?.Flag() == false,
                SkipSpecialTokens = common.SkipSpecialTokens,
                IncludeStopString = common.IncludeStopString,
            },
        };
    }

    private static void RefuseUnsupported(JsonFields body)
    {
        if (body.Find("modalities") is { } modalities && modalities.Items(8).Any(static m => m.Text(RequestLimits.MaxName) != "text"))
        {
            throw modalities.NotSupported("only text is done here");
        }

        body.Refuse("audio", "only text is done here");
        body.Refuse("prediction", "predicted outputs are not done here; leave it out");
        body.Refuse("web_search_options", "there is no web search; give the model a tool");
        body.Refuse("thinking_token_budget", "thinking cannot be bounded apart from the answer; use max_completion_tokens");
        body.Refuse("echo", "use continue_final_message, and put its text before the answer");
        if (body.Find("verbosity") is { } verbosity && verbosity.OneOf("low", "medium", "high") != "medium")
        {
            throw verbosity.NotSupported("ask for the length in the prompt");
        }
    }
}
