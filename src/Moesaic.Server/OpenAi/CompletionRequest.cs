using Moesaic.Engine;
using Moesaic.Server.Catalog;
using Moesaic.Server.Chat;
using Moesaic.Server.Json;
using Moesaic.Server.Routing;

namespace Moesaic.Server.OpenAi;

/// <summary>A request to /v1/completions: one prompt or several, each text or token ids.</summary>
internal sealed record CompletionRequest
{
    private const int DefaultMaxTokens = 16;

    public required ServedModel Model { get; init; }

    public required CommonFields Common { get; init; }

    public required SamplingParameters Sampling { get; init; }

    /// <summary>Token ids of each prompt.</summary>
    public required IReadOnlyList<int[]> Prompts { get; init; }

    /// <summary>The prompts as they came, null for those of ids; empty unless they are repeated.</summary>
    public IReadOnlyList<string?> PromptTexts { get; init; } = [];

    /// <summary>Whether answers begin with the prompt.</summary>
    public bool Echo { get; init; }

    /// <summary>Alternatives to each token; null: no log-probabilities.</summary>
    public int? Logprobs { get; init; }

    /// <exception cref="Errors.ApiException">400 or 404: the message names the field.</exception>
    public static CompletionRequest Read(JsonFields body, RequestContext context)
    {
        ServedModel model = CommonFields.Model(body, context);
        CommonFields common = CommonFields.Read(body, context);
        body.Refuse("suffix", "filling in between prompt and suffix is not done here");
        if (body.Find("best_of") is { } bestOf && bestOf.Integer(1, RequestLimits.MaxSamples) != common.NumSamples)
        {
            throw bestOf.NotSupported("answers are not ranked; leave it out or make it equal to n");
        }

        // Not just absent: a prompt that is null would otherwise be a surprise.
        bool addSpecialTokens = body.Find("add_special_tokens")?.Flag() ?? true;
        (IReadOnlyList<int[]> prompts, IReadOnlyList<string?> texts) = ReadPrompts(body.Require("prompt"), model, addSpecialTokens);
        if (prompts.Count * common.NumSamples > RequestLimits.MaxPrompts)
        {
            throw body.Require("prompt").Invalid($"{prompts.Count} prompts with n = {common.NumSamples} make more than {RequestLimits.MaxPrompts} answers");
        }

        int? logprobs = body.Find("logprobs")?.Integer(0, RequestLimits.MaxTopLogprobs);
        int? maxTokens = body.FindEither("max_tokens", "max_completion_tokens")?.Integer(0, int.MaxValue);
        return new CompletionRequest
        {
            Model = model,
            Common = common,
            Prompts = prompts,
            PromptTexts = texts,
            Echo = body.Find("echo")?.Flag() ?? false,
            Logprobs = logprobs,
            Sampling = SamplingFields.Read(body, model, maxTokens ?? DefaultMaxTokens, logprobs ?? 0),
        };
    }

    private static (IReadOnlyList<int[]> Prompts, IReadOnlyList<string?> Texts) ReadPrompts(JsonField prompt, ServedModel model, bool addSpecialTokens)
    {
        List<int[]> prompts = [];
        List<string?> texts = [];
        if (prompt.IsText)
        {
            Add(prompt);
        }
        else if (!prompt.IsArray)
        {
            throw prompt.WrongType("a string, an array of token ids, or an array of prompts");
        }
        else if (prompt.Json.GetArrayLength() == 0)
        {
            throw prompt.Invalid("the array is empty; expected a prompt");
        }
        else if (prompt.Json[0].ValueKind == System.Text.Json.JsonValueKind.Number)
        {
            Add(prompt);
        }
        else
        {
            foreach (JsonField one in prompt.Items(RequestLimits.MaxPrompts))
            {
                Add(one);
            }
        }

        return (prompts, texts);

        void Add(JsonField one)
        {
            if (one.IsText)
            {
                string text = one.Text();
                prompts.Add([.. RunningRequest.Encode(one.Path, () => model.Runtime.Tokenizer.Encode(text, addSpecialTokens))]);
                texts.Add(text);
            }
            else if (one.IsArray)
            {
                // One more than fits, so that the engine's own message about the context is what the caller sees.
                prompts.Add(one.Integers(0, model.Runtime.Description.VocabularySize - 1, int.MaxValue));
                texts.Add(null);
            }
            else
            {
                throw one.WrongType("a string or an array of token ids");
            }

            if (prompts[^1].Length == 0)
            {
                throw one.Invalid("the prompt has no tokens; expected at least one");
            }
        }
    }
}
