using System.Runtime.CompilerServices;
using Moesaic.Engine;
using Moesaic.Models.ChatTemplates;
using Moesaic.Server.Catalog;
using Moesaic.Server.Errors;
using Moesaic.Server.Routing;
using Moesaic.Server.Streaming;

namespace Moesaic.Server.Chat;

/// <summary>
/// Answers to a conversation, step by step: text, thinking and tool calls told apart. Every protocol's streaming and whole
/// answers are made from these steps alone, so that they are the same.
/// </summary>
internal sealed class ChatStream : IAsyncDisposable
{
    private readonly RunningRequest _running;
    private readonly ReplyParser[] _parsers;
    private readonly ReplyPartKind[] _last;
    private readonly int[] _reasoningTokens;
    private readonly bool[] _calledTools;
    private readonly bool _oneToolCall;
    private readonly List<ReplyPart> _parts = [];

    private ChatStream(RunningRequest running, ReplyParser[] parsers, IReadOnlyList<int> promptIds, bool oneToolCall)
    {
        _running = running;
        _parsers = parsers;
        _last = new ReplyPartKind[parsers.Length];
        _reasoningTokens = new int[parsers.Length];
        _calledTools = new bool[parsers.Length];
        _oneToolCall = oneToolCall;
        PromptIds = promptIds;
    }

    /// <summary>The conversation as the model sees it.</summary>
    public IReadOnlyList<int> PromptIds { get; }

    public Generation Generation => _running.Generations[0];

    /// <summary>Which answer the current step belongs to.</summary>
    public int Sample => _running.Current.Sample;

    /// <summary>The current step as it came from the engine; its text is in <see cref="Parts"/>.</summary>
    public GenerationEvent Event => _running.Current.Event;

    /// <summary>What the current step adds to the answer; overwritten by the next one.</summary>
    public IReadOnlyList<ReplyPart> Parts => _parts;

    public int NumPromptTokens => _running.NumPromptTokens;

    /// <summary>Prompt tokens that the prefix cache held; known once there are tokens.</summary>
    public int NumCachedTokens => _running.NumCachedTokens;

    /// <summary>Tokens of all answers so far.</summary>
    public int NumGenerated => _running.NumGenerated;

    /// <summary>Of these, tokens during whose drawing the answer was in its thinking.</summary>
    public int NumReasoningTokens => _reasoningTokens.Sum();

    /// <summary>Whether an answer called a tool so far.</summary>
    public bool CalledTools(int sample) => _calledTools[sample];

    /// <summary>An answer's end, once it has ended.</summary>
    public GenerationSample SampleOf(int sample) => _running.Samples[sample];

    /// <summary>The ids that a conversation is for a model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompt">The conversation.</param>
    /// <param name="rendered">Its text.</param>
    /// <param name="param">The field that the conversation came in, for refusals.</param>
    /// <exception cref="ApiException">400: the model's template refuses it.</exception>
    public static IReadOnlyList<int> Encode(ServedModel model, ChatPrompt prompt, out string rendered, string param = "messages")
    {
        if (prompt.Tools.Count > 0 && !RunningRequest.Encode("tools", () => model.Runtime.ShowsTools))
        {
            throw ApiException.NotSupported("tools", $"the chat template of the model '{model.Name}' has no place for tools, so the model would not learn of them; leave them out or use another model");
        }

        (string text, IReadOnlyList<int> ids) = RunningRequest.Encode(param, () =>
        {
            string text = model.Runtime.RenderChat(prompt);
            return (text, model.Runtime.EncodeRendered(text));
        });
        rendered = text;
        return ids;
    }

    /// <summary>Renders, tokenizes and submits.</summary>
    /// <param name="context">The request.</param>
    /// <param name="model">The model.</param>
    /// <param name="call">What is wanted.</param>
    /// <param name="param">The field that the conversation came in, for refusals.</param>
    /// <exception cref="ApiException">The request is refused.</exception>
    public static async Task<ChatStream> StartAsync(RequestContext context, ServedModel model, ChatCall call, string param = "messages")
    {
        IReadOnlyList<int> ids = Encode(model, call.Prompt, out string rendered, param);
        ReplyFormat format = model.ReplyFormat;
        ChatPrompt prompt = call.Prompt;
        ReplyParserOptions options = new()
        {
            Tools = prompt.Tools.Count > 0,
            Reasoning = call.SeparateReasoning,
            PromptTail = prompt.ContinueFinalMessage ? prompt.Turns[^1].Content ?? "" : rendered,
            Continues = prompt.ContinueFinalMessage,
            ShowSpecialTokens = !call.SkipSpecialTokens,
        };
        ReplyParser[] parsers = [.. Enumerable.Range(0, call.NumSamples).Select(_ => format.CreateParser(options))];
        RunningRequest running = await RunningRequest.SubmitAsync(
            context,
            model,
            [
                new GenerationRequest
                {
                    Prompt = ids.ToArray(),
                    Sampling = call.Sampling,
                    NumSamples = call.NumSamples,
                    Priority = call.Priority,
                    CacheSalt = call.CacheSalt,
                    PromptLogprobs = call.PromptLogprobs,
                    SkipSpecialTokens = call.SkipSpecialTokens && !format.KeepsSpecialTokens,
                    IncludeStopString = call.IncludeStopString,
                },
            ],
            param).ConfigureAwait(false);
        return new ChatStream(running, parsers, ids, call.OneToolCall);
    }

    /// <inheritdoc cref="RunningRequest.NextAsync"/>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<bool> NextAsync(SseWriter? sse = null)
    {
        _parts.Clear();
        if (!await _running.NextAsync(sse).ConfigureAwait(false))
        {
            return false;
        }

        int sample = Sample;
        GenerationEvent step = Event;
        if (step.Text.Length > 0)
        {
            _parsers[sample].Push(step.Text, _parts);
        }

        if (step.Finish != FinishReason.None)
        {
            _parsers[sample].Finish(_parts);
        }

        if (_oneToolCall)
        {
            _parts.RemoveAll(static part => part.ToolIndex > 0);
        }

        foreach (ReplyPart part in _parts)
        {
            _last[sample] = part.Kind;
            if (part.Kind == ReplyPartKind.ToolCallBegin)
            {
                _calledTools[sample] = true;
                _running.CalledTools = true;
            }
        }

        if (step.Token is not null && _last[sample] == ReplyPartKind.Reasoning)
        {
            _reasoningTokens[sample]++;
        }

        return true;
    }

    public ValueTask DisposeAsync() => _running.DisposeAsync();
}
