using Moesaic.Server.Catalog;
using Moesaic.Server.Json;
using Moesaic.Server.Routing;

namespace Moesaic.Server.OpenAi;

/// <summary>What chat and text completions have in common besides sampling.</summary>
internal sealed record CommonFields
{
    /// <summary>Ends the ids of responses.</summary>
    public required string Id { get; init; }

    public required int NumSamples { get; init; }

    public bool Stream { get; init; }

    /// <summary>Whether a last event tells the usage.</summary>
    public bool IncludeUsage { get; init; }

    /// <summary>Whether every event tells the usage so far.</summary>
    public bool ContinuousUsage { get; init; }

    public int Priority { get; init; }

    public string CacheSalt { get; init; } = "";

    public int? PromptLogprobs { get; init; }

    public bool SkipSpecialTokens { get; init; } = true;

    public bool IncludeStopString { get; init; }

    /// <summary>Whether tokens in log-probabilities are spelled <c>token_id:123</c>, which is unambiguous.</summary>
    public bool TokensAsIds { get; init; }

    public bool ReturnTokenIds { get; init; }

    /// <summary>Reads the fields, and refuses those that chat and text completions know and this server does not do.</summary>
    /// <exception cref="Errors.ApiException">400.</exception>
    public static CommonFields Read(JsonFields body, RequestContext context)
    {
        RefuseUnsupported(body);
        body.IgnoreTexts("user", "service_tier", "safety_identifier", "prompt_cache_key", "prompt_cache_retention");
        body.FindMap("metadata");
        body.Find("spaces_between_special_tokens")?.Flag();
        bool stream = body.Find("stream")?.Flag() ?? false;
        JsonField? streamOptions = body.Find("stream_options");
        if (streamOptions is { } given && !stream)
        {
            throw given.Invalid("it is only for requests with 'stream': true");
        }

        JsonFields? options = streamOptions?.Object();
        options?.Ignore("include_obfuscation");
        bool continuous = options?.Find("continuous_usage_stats")?.Flag() ?? false;
        return new CommonFields
        {
            Id = RequestId(body.Find("request_id")) ?? context.RequestId,
            NumSamples = body.Find("n")?.Integer(1, RequestLimits.MaxSamples) ?? 1,
            Stream = stream,
            IncludeUsage = options?.Find("include_usage")?.Flag() ?? false,
            ContinuousUsage = continuous,
            Priority = body.Find("priority")?.Integer(int.MinValue, int.MaxValue) ?? 0,
            CacheSalt = body.Find("cache_salt")?.Text(RequestLimits.MaxCacheSalt) ?? "",
            PromptLogprobs = body.Find("prompt_logprobs")?.Integer(0, RequestLimits.MaxTopLogprobs),
            SkipSpecialTokens = body.Find("skip_special_tokens")?.Flag() ?? true,
            IncludeStopString = body.Find("include_stop_str_in_output")?.Flag() ?? false,
            TokensAsIds = body.Find("return_tokens_as_token_ids")?.Flag() ?? false,
            ReturnTokenIds = body.Find("return_token_ids")?.Flag() ?? false,
        };
    }

    /// <summary>The model that a request names; the first one if it names none.</summary>
    /// <exception cref="Errors.ApiException">404: there is none of that name.</exception>
    public static ServedModel Model(JsonFields body, RequestContext context) => context.Models.Get(body.Find("model")?.Text(RequestLimits.MaxModelName));

    /// <summary>Refuses what no route here does.</summary>
    public static void RefuseUnsupported(JsonFields body)
    {
        if (body.Find("response_format") is { } format && (!format.IsObject || format.Object().Require("type").Text() != "text"))
        {
            throw format.NotSupported("only {\"type\": \"text\"} is done here: there is no constrained decoding yet");
        }

        foreach (string name in (ReadOnlySpan<string>)["structured_outputs", "guided_json", "guided_regex", "guided_choice", "guided_grammar", "grammar", "json_schema"])
        {
            body.Refuse(name, "there is no constrained decoding yet; ask for the format in the prompt");
        }

        body.Refuse("use_beam_search", "there is no beam search; use n and temperature");
        body.Refuse("store", "nothing is stored here; leave it out");
        body.Refuse("logits_processors", "there are none; use logit_bias");
        body.Refuse("kv_transfer_params", "key-value caches cannot be moved between hosts");
        body.Refuse("vllm_xargs", "there are no extension arguments");
        body.Refuse("truncate_prompt_tokens", "prompts are never cut silently; shorten it, or see /tokenize");
        body.Refuse("lora", "there are no adapters");
        body.Refuse("prompt_embeds", "prompts are text or token ids");
    }

    private static string? RequestId(JsonField? field) => field is not { } id ? null
        : id.Text(RequestLimits.MaxRequestId) is { Length: > 0 } text && text.All(static c => c is > ' ' and < '\x7f') ? text
        : throw id.Invalid("an id is made of visible ASCII characters");
}
