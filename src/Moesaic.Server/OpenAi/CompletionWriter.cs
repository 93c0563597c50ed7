using System.Collections.Immutable;
using System.Text.Json;
using Moesaic.Engine;
using Moesaic.Server.Chat;
using Moesaic.Server.Errors;

namespace Moesaic.Server.OpenAi;

/// <summary>Writes text completions: events of a stream, or the whole.</summary>
internal sealed class CompletionWriter : IStreamWriter
{
    private readonly CompletionRequest _request;
    private readonly RunningRequest _running;
    private readonly ResponseHead _head;
    private readonly TokenSpelling _spelling;

    // Of each choice: where its next token begins, in characters.
    private readonly int[] _offsets;
    private readonly List<TokenLogprob> _one = [];

    public CompletionWriter(CompletionRequest request, RunningRequest running)
    {
        _request = request;
        _running = running;
        _head = new ResponseHead("cmpl-", request.Common.Id, "text_completion", request.Model);
        _spelling = new TokenSpelling(request.Model.Runtime.HasTokenizer ? request.Model.Runtime.Tokenizer : null, request.Common.TokensAsIds);
        _offsets = new int[running.Samples.Count];
    }

    /// <summary>The event in which an answer repeats its prompt, or tells how probable the prompt was.</summary>
    public void WritePrompt(Utf8JsonWriter json, int sample, string text, IReadOnlyList<TokenLogprob>? tokens, ImmutableArray<PromptTokenLogprob>? promptLogprobs)
    {
        BeginChunk(json, sample, text);
        WriteLogprobs(json, sample, tokens);
        json.WriteNull("finish_reason"u8);
        if (promptLogprobs is { } prompt)
        {
            LogprobWriter.WritePrompt(json, prompt, _spelling);
        }

        EndChunk(json);
    }

    /// <summary>A step of an answer.</summary>
    public void WriteStep(Utf8JsonWriter json, in SampleEvent step)
    {
        bool isEnd = step.Event.Finish != FinishReason.None;
        BeginChunk(json, step.Sample, step.Event.Text);
        _one.Clear();
        if (step.Event.Token is { } token)
        {
            _one.Add(new TokenLogprob(token.Id, token.Logprob, step.Event.Alternatives));
        }

        WriteLogprobs(json, step.Sample, _request.Logprobs is null || _one.Count == 0 ? null : _one);
        if (_request.Common.ReturnTokenIds && _one.Count > 0)
        {
            ResponseHead.WriteIds(json, "token_ids", [_one[0].Id]);
        }

        _head.WriteFinish(json, isEnd ? _running.Samples[step.Sample] : null, calledTools: false);
        EndChunk(json, isEnd && !_request.Common.IncludeUsage);
    }

    /// <inheritdoc/>
    public void WriteUsage(Utf8JsonWriter json) => _head.WriteUsageEvent(json, Usage);

    /// <inheritdoc/>
    public void WriteFailure(Utf8JsonWriter json, ApiException error) => _head.WriteFailureEvent(
        json,
        _running.Samples,
        static json =>
        {
            json.WriteString("text"u8, "");
            json.WriteNull("logprobs"u8);
        },
        error);

    /// <summary>The whole response.</summary>
    /// <param name="json">Where to.</param>
    /// <param name="answers">One for each choice, the repeated prompt included.</param>
    /// <param name="promptLogprobs">Of each prompt; empty when not asked for.</param>
    public void WriteWhole(Utf8JsonWriter json, IReadOnlyList<CompletionAnswer> answers, IReadOnlyList<ImmutableArray<PromptTokenLogprob>> promptLogprobs)
    {
        json.WriteStartObject();
        _head.Write(json);
        json.WriteString("system_fingerprint"u8, _head.Fingerprint);
        json.WriteStartArray("choices"u8);
        for (int i = 0; i < answers.Count; i++)
        {
            json.WriteStartObject();
            json.WriteNumber("index"u8, i);
            json.WriteString("text"u8, answers[i].Text.ToString());
            WriteLogprobs(json, i, _request.Logprobs is null ? null : answers[i].Tokens);
            _head.WriteFinish(json, _running.Samples[i], calledTools: false);
            if (_request.Common.ReturnTokenIds)
            {
                ResponseHead.WriteIds(json, "token_ids", answers[i].Ids);
                ResponseHead.WriteIds(json, "prompt_token_ids", _request.Prompts[i / _request.Common.NumSamples]);
            }

            if (promptLogprobs.Count > 0 && _request.Common.PromptLogprobs is not null)
            {
                LogprobWriter.WritePrompt(json, promptLogprobs[i / _request.Common.NumSamples], _spelling);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
        ResponseHead.WriteUsage(json, Usage);
        json.WriteEndObject();
    }

    private void BeginChunk(Utf8JsonWriter json, int sample, string text)
    {
        json.WriteStartObject();
        _head.Write(json);
        json.WriteStartArray("choices"u8);
        json.WriteStartObject();
        json.WriteNumber("index"u8, sample);
        json.WriteString("text"u8, text);
    }

    private void EndChunk(Utf8JsonWriter json, bool withFingerprint = false)
    {
        json.WriteEndObject();
        json.WriteEndArray();
        if (withFingerprint)
        {
            json.WriteString("system_fingerprint"u8, _head.Fingerprint);
        }

        if (_request.Common.ContinuousUsage)
        {
            ResponseHead.WriteUsage(json, Usage);
        }

        json.WriteEndObject();
    }

    private void WriteLogprobs(Utf8JsonWriter json, int sample, IReadOnlyList<TokenLogprob>? tokens)
    {
        if (tokens is null)
        {
            json.WriteNull("logprobs"u8);
        }
        else
        {
            LogprobWriter.WriteCompletion(json, tokens, _spelling, ref _offsets[sample]);
        }
    }

    private TokenUsage Usage => new(_running.NumPromptTokens, _running.NumCachedTokens, _running.NumGenerated);
}
