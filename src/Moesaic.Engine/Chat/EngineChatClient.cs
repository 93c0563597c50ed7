using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using Moesaic.Scheduling;

namespace Moesaic.Engine;

/// <summary>
/// The engine behind Microsoft.Extensions.AI's chat interface. Any number of threads may ask at the same time; their requests
/// are batched.
/// </summary>
/// <remarks>
/// Options that are not set are the model's own (<see cref="ModelRuntime.DefaultSampling"/>). What the engine cannot do (JSON as
/// response format, required tool calls, images, stored conversations) is refused with <see cref="NotSupportedException"/>.
/// Embeddings have no client, as there is no encoder model yet.
/// </remarks>
/// <param name="engine">The engine; not owned.</param>
/// <param name="format">How the model writes thinking and tool calls; null: as <see cref="ReplyFormat.For"/> finds.</param>
public sealed class EngineChatClient(InferenceEngine engine, ReplyFormat? format = null) : IChatClient
{
    private readonly InferenceEngine _engine = engine ?? throw new ArgumentNullException(nameof(engine));
    private readonly ReplyFormat _format = format ?? ReplyFormat.For(engine.Runtime);

    /// <inheritdoc/>
    /// <exception cref="NotSupportedException">A message or an option asks for something that the engine cannot do.</exception>
    /// <exception cref="ArgumentException">A value is impossible; the message names it.</exception>
    /// <exception cref="ContextExceededException">The conversation is longer than the context.</exception>
    /// <exception cref="RequestRefusedException">The engine does not take the request, now or at all.</exception>
    public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken);

    /// <inheritdoc cref="GetResponseAsync"/>
    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        cancellationToken.ThrowIfCancellationRequested();
        ChatPrompt prompt = ChatConversion.Prompt(messages, options);
        ModelRuntime runtime = _engine.Runtime;
        string rendered = runtime.RenderChat(prompt);
        ReplyParser parser = _format.CreateParser(prompt, rendered);
        Generation generation = _engine.Submit(new GenerationRequest
        {
            Prompt = runtime.EncodeRendered(rendered).ToArray(),
            Sampling = ChatConversion.Sampling(runtime.DefaultSampling, options),
            SkipSpecialTokens = !parser.KeepsSpecialTokens,
            WantsText = true,
        });
        using CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(static state => ((Generation)state!).Cancel(), generation);
        SubmitResult admission = await generation.Admission.ConfigureAwait(false);
        if (!admission.IsAccepted)
        {
            throw new RequestRefusedException(admission);
        }

        Updates updates = new(runtime.Name);
        List<ReplyPart> parts = [];
        GenerationSample sample = generation.Samples[0];
        await foreach (GenerationEvent step in sample.WithCancellation(cancellationToken).ConfigureAwait(false))
        {
            parser.Push(step.Text, parts);
            if (step.Finish != FinishReason.None)
            {
                parser.Finish(parts);
            }

            if (updates.Of(parts) is { } update)
            {
                yield return update;
            }

            parts.Clear();
        }

        cancellationToken.ThrowIfCancellationRequested();
        yield return sample.Finish switch
        {
            FinishReason.StopId or FinishReason.StopString or FinishReason.Length => updates.Last(sample, generation),
            FinishReason.TimedOut => throw new TimeoutException("The time given to the request is over."),
            FinishReason.Cancelled => throw new OperationCanceledException("The engine was stopped before the answer was complete."),
            _ => throw new InvalidOperationException($"The answer failed after {sample.NumGenerated} tokens: {sample.Error?.Message ?? "no token could be drawn"}", sample.Error),
        };
    }

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is not null ? null
            : serviceType == typeof(ChatClientMetadata) ? new ChatClientMetadata("moesaic", null, _engine.Runtime.Name)
            : serviceType == typeof(InferenceEngine) ? _engine
            : serviceType == typeof(ModelRuntime) ? _engine.Runtime
            : serviceType == typeof(ReplyFormat) ? _format
            : serviceType.IsInstanceOfType(this) ? this
            : null;
    }

    /// <summary>Does nothing: the engine is its owner's.</summary>
    public void Dispose()
    {
    }

    // The updates of one answer.
    private sealed class Updates(string model)
    {
        private readonly string _id = "chatcmpl-" + Guid.NewGuid().ToString("N");
        private readonly DateTimeOffset _created = DateTimeOffset.UtcNow;
        private bool _hasCalls;
        private string? _callName, _callId;

        public ChatResponseUpdate? Of(List<ReplyPart> parts)
        {
            List<AIContent> contents = [];
            foreach (ReplyPart part in parts)
            {
                switch (part.Kind)
                {
                    case ReplyPartKind.Content:
                        contents.Add(new TextContent(part.Text));
                        break;
                    case ReplyPartKind.Reasoning:
                        contents.Add(new TextReasoningContent(part.Text));
                        break;
                    case ReplyPartKind.ToolCallBegin:
                        (_callName, _callId, _hasCalls) = (part.ToolName, part.ToolId, true);
                        break;
                    case ReplyPartKind.ToolCallArguments:
                        contents.Add(new FunctionCallContent(_callId!, _callName!, ChatConversion.Arguments(part.Text)));
                        break;
                }
            }

            return contents.Count == 0 ? null : Update(contents);
        }

        public ChatResponseUpdate Last(GenerationSample sample, Generation generation)
        {
            ChatResponseUpdate update = Update(
            [
                new UsageContent(new UsageDetails
                {
                    InputTokenCount = generation.NumPromptTokens,
                    OutputTokenCount = sample.NumGenerated,
                    TotalTokenCount = generation.NumPromptTokens + sample.NumGenerated,
                    CachedInputTokenCount = generation.NumCachedTokens,
                }),
            ]);
            update.FinishReason = sample.Finish == FinishReason.Length ? ChatFinishReason.Length : _hasCalls ? ChatFinishReason.ToolCalls : ChatFinishReason.Stop;
            return update;
        }

        private ChatResponseUpdate Update(List<AIContent> contents) => new(ChatRole.Assistant, contents)
        {
            ResponseId = _id,
            MessageId = _id,
            ModelId = model,
            CreatedAt = _created,
        };
    }
}
