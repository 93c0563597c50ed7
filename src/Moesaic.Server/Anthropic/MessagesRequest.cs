using System.Collections.Immutable;
using Moesaic.Engine;
using Moesaic.Models.ChatTemplates;
using Moesaic.Server.Catalog;
using Moesaic.Server.Chat;
using Moesaic.Server.Json;
using Moesaic.Server.OpenAi;
using Moesaic.Server.Routing;

namespace Moesaic.Server.Anthropic;

/// <summary>A request to /v1/messages or its token count.</summary>
internal sealed record MessagesRequest
{
    public required ServedModel Model { get; init; }

    public required ChatCall Call { get; init; }

    public bool Stream { get; init; }

    /// <param name="body">The request's fields.</param>
    /// <param name="context">The request.</param>
    /// <param name="isCount">Only tokens are counted: max_tokens is not needed.</param>
    /// <exception cref="Errors.ApiException">400 or 404: the message names the field.</exception>
    public static MessagesRequest Read(JsonFields body, RequestContext context, bool isCount = false)
    {
        ServedModel model = context.Models.Get(body.Require("model").Text(RequestLimits.MaxModelName));
        RefuseUnsupported(body);
        // Caching needs no asking here, and there is one tier in one place.
        body.IgnoreTexts("service_tier", "inference_geo");
        body.FindMap("metadata");
        body.FindMap("cache_control");
        int? maxTokens = (isCount ? body.Find("max_tokens") : body.Require("max_tokens"))?.Integer(1, int.MaxValue);
        IReadOnlyList<ChatTemplateValue> tools = ToolDefinitions.Read(body, out bool oneToolCall);
        IReadOnlyList<ChatTurn> turns = ConversationReader.Read(body);
        // An answer that the request began is gone on with.
        bool continues = turns[^1].Role == "assistant";
        return new MessagesRequest
        {
            Model = model,
            Stream = body.Find("stream")?.Flag() ?? false,
            Call = new ChatCall
            {
                Prompt = new ChatPrompt
                {
                    Turns = turns,
                    Tools = tools,
                    AddGenerationPrompt = !continues,
                    ContinueFinalMessage = continues,
                    EnableThinking = ReadThinking(body, maxTokens),
                    Variables = ReadEffort(body),
                },
                Sampling = ReadSampling(body, model, maxTokens),
                OneToolCall = oneToolCall,
            },
        };
    }

    private static SamplingParameters ReadSampling(JsonFields body, ServedModel model, int? maxTokens)
    {
        SamplingParameters defaults = SamplingFields.Defaults(model);
        return defaults with
        {
            Temperature = (float?)body.Find("temperature")?.Number(0, 2) ?? defaults.Temperature,
            TopP = body.Find("top_p") is { } topP ? Math.Max((float)topP.Number(0, 1, minExcluded: true), float.Epsilon) : defaults.TopP,
            TopK = body.Find("top_k")?.Integer(0, int.MaxValue) ?? defaults.TopK,
            // An extension: Anthropic's own service has no seeds.
            Seed = body.Find("seed") is { } seed ? unchecked((ulong)seed.Long(long.MinValue, long.MaxValue)) : null,
            MaxTokens = maxTokens,
            StopStrings = body.Find("stop_sequences") is { } stops ? ReadStops(stops) : [],
        };
    }

    private static ImmutableArray<string> ReadStops(JsonField field) =>
        field.IsArray ? SamplingFields.StopStrings(field) : throw field.WrongType("an array of strings");

    /// <summary>Whether the template shall make the model think. The budget is checked, but cannot bound thinking apart from the answer.</summary>
    private static bool? ReadThinking(JsonFields body, int? maxTokens)
    {
        if (body.Find("thinking") is not { } field)
        {
            return null;
        }

        JsonFields thinking = field.Object();
        string type = thinking.Require("type").OneOf("enabled", "disabled", "adaptive");
        if (thinking.Find("display") is { } display && display.OneOf("summarized", "omitted") == "omitted")
        {
            throw display.NotSupported("thinking is part of the answer here; disable it, or skip its blocks");
        }

        if (type == "enabled")
        {
            JsonField budget = thinking.Require("budget_tokens");
            int tokens = budget.Integer(1, int.MaxValue);
            if (tokens >= maxTokens)
            {
                throw budget.Invalid($"found {tokens}, expected less than max_tokens ({maxTokens})");
            }
        }

        // Adaptive: the model's own choice.
        return type switch { "enabled" => true, "disabled" => false, _ => null };
    }

    private static Dictionary<string, ChatTemplateValue> ReadEffort(JsonFields body)
    {
        Dictionary<string, ChatTemplateValue> variables = new(StringComparer.Ordinal);
        if (body.Find("output_config") is { } field)
        {
            JsonFields config = field.Object();
            config.Refuse("format", "there is no constrained decoding yet; ask for the format in the prompt");
            if (config.Find("effort") is { } effort)
            {
                variables.Add("reasoning_effort", ChatTemplateValue.From(effort.OneOf("low", "medium", "high", "xhigh", "max")));
            }
        }

        return variables;
    }

    private static void RefuseUnsupported(JsonFields body)
    {
        body.Refuse("output_format", "there is no constrained decoding yet; ask for the format in the prompt");
        body.Refuse("mcp_servers", "the host calls no other servers; give the model tools and run them yourself");
        body.Refuse("container", "the host runs no code; give the model a tool");
        body.Refuse("context_management", "conversations are never edited here; shorten the messages yourself");
        body.Refuse("chat_template", "templates come with the model, never with a request");
    }
}
