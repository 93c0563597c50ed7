using System.Collections.Immutable;
using Moesaic.Engine;
using Moesaic.Server.Chat;
using Moesaic.Server.Routing;
using Moesaic.Server.Streaming;

namespace Moesaic.Server.OpenAi;

/// <summary>POST /v1/completions.</summary>
internal static class CompletionRoute
{
    public static async Task HandleAsync(RequestContext context)
    {
        CompletionRequest request = await RequestReading.ReadAsync(context, CompletionRequest.Read).ConfigureAwait(false);
        CommonFields common = request.Common;
        context.Streams = common.Stream;
        GenerationRequest one = new()
        {
            Prompt = default,
            Sampling = request.Sampling,
            NumSamples = common.NumSamples,
            Priority = common.Priority,
            CacheSalt = common.CacheSalt,
            PromptLogprobs = request is { Echo: true, Logprobs: { } top } ? Math.Max(top, common.PromptLogprobs ?? 0) : common.PromptLogprobs,
            SkipSpecialTokens = common.SkipSpecialTokens,
            IncludeStopString = common.IncludeStopString,
        };
        await using RunningRequest running = await RunningRequest.SubmitAsync(
            context, request.Model, [.. request.Prompts.Select(ids => one with { Prompt = ids })], "prompt").ConfigureAwait(false);
        CompletionWriter writer = new(request, running);
        await (common.Stream
            ? CompletionStream.WriteAsync(context, common.IncludeUsage, writer, sse => WriteAnswersAsync(request, running, writer, sse))
            : AnswerAsync(context, request, running, writer)).ConfigureAwait(false);
    }

    private static async Task AnswerAsync(RequestContext context, CompletionRequest request, RunningRequest running, CompletionWriter writer)
    {
        CompletionAnswer[] answers = [.. running.Samples.Select(static _ => new CompletionAnswer())];
        bool keepTokens = request.Logprobs is not null;
        while (await running.NextAsync().ConfigureAwait(false))
        {
            (int sample, GenerationEvent step) = running.Current;
            answers[sample].Text.Append(step.Text);
            if (step.Token is { } token)
            {
                answers[sample].Ids.Add(token.Id);
                if (keepTokens)
                {
                    answers[sample].Tokens.Add(new TokenLogprob(token.Id, token.Logprob, step.Alternatives));
                }
            }
        }

        List<ImmutableArray<PromptTokenLogprob>> prompts = [];
        foreach (Task<ImmutableArray<PromptTokenLogprob>>? wanted in running.Generations.Select(static g => g.PromptLogprobs))
        {
            if (wanted is not null)
            {
                prompts.Add(await wanted.ConfigureAwait(false));
            }
        }

        if (request.Echo)
        {
            for (int i = 0; i < answers.Length; i++)
            {
                int prompt = i / request.Common.NumSamples;
                answers[i].Text.Insert(0, PromptText(request, prompt));
                if (keepTokens)
                {
                    answers[i].Tokens.InsertRange(0, PromptTokens(prompts[prompt], request.Logprobs!.Value));
                }
            }
        }

        await context.WriteJsonAsync(200, json => writer.WriteWhole(json, answers, Cut(prompts, request.Common.PromptLogprobs))).ConfigureAwait(false);
    }

    private static async Task WriteAnswersAsync(CompletionRequest request, RunningRequest running, CompletionWriter writer, SseWriter sse)
    {
        bool[] begun = new bool[running.Samples.Count];
        while (await running.NextAsync(sse).ConfigureAwait(false))
        {
            SampleEvent step = running.Current;
            if ((request.Echo || request.Common.PromptLogprobs is not null) && !begun[step.Sample])
            {
                begun[step.Sample] = true;
                await WritePromptAsync(request, running, writer, sse, step.Sample).ConfigureAwait(false);
            }

            // Nothing to tell: half a character, or the beginning of what may become a stop string.
            bool isSilent = step.Event.Text.Length == 0 && step.Event.Finish == FinishReason.None && request.Logprobs is null && !request.Common.ReturnTokenIds;
            if (!isSilent)
            {
                writer.WriteStep(sse.Begin(), step);
                sse.End();
            }
        }
    }

    // An event of the prompt: its text, if it is repeated, and what the model thinks of it.
    private static async Task WritePromptAsync(CompletionRequest request, RunningRequest running, CompletionWriter writer, SseWriter sse, int sample)
    {
        int prompt = sample / request.Common.NumSamples;
        TokenLogprob[]? tokens = null;
        ImmutableArray<PromptTokenLogprob>? scores = null;
        if (running.Generations[prompt].PromptLogprobs is { } wanted)
        {
            ImmutableArray<PromptTokenLogprob> all = await wanted.ConfigureAwait(false);
            tokens = request is { Echo: true, Logprobs: { } top } ? [.. PromptTokens(all, top)] : null;
            scores = Cut([all], request.Common.PromptLogprobs) is [var cut] ? cut : null;
        }

        writer.WritePrompt(sse.Begin(), sample, request.Echo ? PromptText(request, prompt) : "", tokens, scores);
        sse.End();
    }

    private static string PromptText(CompletionRequest request, int prompt) =>
        request.PromptTexts[prompt] ?? request.Model.Runtime.Tokenizer.Decode(request.Prompts[prompt], request.Common.SkipSpecialTokens);

    private static IEnumerable<TokenLogprob> PromptTokens(ImmutableArray<PromptTokenLogprob> prompt, int top) =>
        prompt.Select(t => new TokenLogprob(t.Id, t.Logprob, First(t.Alternatives, top)));

    // The engine was asked for as many as either of echo and prompt_logprobs wants.
    private static IReadOnlyList<ImmutableArray<PromptTokenLogprob>> Cut(List<ImmutableArray<PromptTokenLogprob>> prompts, int? wanted) => wanted is not { } top
        ? []
        : [.. prompts.Select(prompt => prompt.Select(t => t with { Alternatives = First(t.Alternatives, top) }).ToImmutableArray())];

    private static ImmutableArray<TokenAlternative> First(ImmutableArray<TokenAlternative> alternatives, int count) =>
        alternatives.IsDefault ? [] : alternatives.Length <= count ? alternatives : alternatives[..count];
}
