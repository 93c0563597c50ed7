using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using Anthropic;
using Anthropic.Exceptions;
using Anthropic.Models.Messages;
using Moesaic.TestSupport;

namespace Moesaic.Clients.Tests;

/// <summary>Anthropic's .NET package against the running host.</summary>
internal sealed class AnthropicClientTests
{
    private static readonly Tool s_tool = new()
    {
        Name = ScriptedCheckpoint.ToolName,
        Description = "The weather in a city.",
        InputSchema = new InputSchema
        {
            Properties = new Dictionary<string, JsonElement> { ["city"] = JsonSerializer.SerializeToElement(new Dictionary<string, string> { ["type"] = "string" }) },
            Required = ["city"],
        },
    };

    [Test]
    public async Task Answers_a_message()
    {
        using AnthropicClient client = Client();
        Message answer = await client.Messages.Create(Request("Tell me a story."));
        Assert.That(Text(answer), Is.EqualTo(ScriptedCheckpoint.Answer));
        Assert.That((answer.StopReason!.Raw(), answer.Model.Raw()), Is.EqualTo(("end_turn", ClientHost.Model)));
        Assert.That(answer.Usage.InputTokens, Is.GreaterThan("Tell me a story.".Length));
        Assert.That(answer.Usage.OutputTokens, Is.GreaterThan(3));
    }

    [Test]
    public async Task Streams_a_message_in_pieces()
    {
        Streamed streamed = await Stream(Request("Tell me a story."));
        Assert.That((streamed.Text, streamed.StopReason), Is.EqualTo((ScriptedCheckpoint.Answer, "end_turn")));
        Assert.That(streamed.TextPieces, Is.GreaterThan(3));
        Assert.That(streamed.Kinds.First(), Is.EqualTo("message_start"));
        Assert.That(streamed.Kinds.Last(), Is.EqualTo("message_stop"));
        Assert.That(streamed.OutputTokens, Is.GreaterThanOrEqualTo(streamed.TextPieces));
    }

    [Test]
    public async Task Ends_at_a_limit_and_at_a_stop_sequence()
    {
        using AnthropicClient client = Client();
        Message limited = await client.Messages.Create(Request("Hi") with { MaxTokens = 3 });
        Assert.That((Text(limited), limited.StopReason!.Raw(), limited.Usage.OutputTokens), Is.EqualTo(("Once upon a", "max_tokens", 3L)));
        Message stopped = await client.Messages.Create(Request("Hi") with { StopSequences = [" there"] });
        Assert.That((Text(stopped), stopped.StopReason!.Raw(), stopped.StopSequence), Is.EqualTo(("Once upon a time", "stop_sequence", " there")));
    }

    [Test]
    public async Task Uses_a_tool_and_takes_its_result()
    {
        using AnthropicClient client = Client();
        MessageCreateParams request = Request("How is the weather in Paris?") with { Tools = [s_tool] };
        Message call = await client.Messages.Create(request);
        Assert.That(call.StopReason!.Raw(), Is.EqualTo("tool_use"));
        ToolUseBlock? use = null;
        Assert.That(call.Content.Any(c => c.TryPickToolUse(out use)), "there is a tool_use block");
        Assert.That((use!.Name, use.Input["city"].GetString()), Is.EqualTo((ScriptedCheckpoint.ToolName, "Paris")));
        Message answer = await client.Messages.Create(request with
        {
            Messages =
            [
                .. request.Messages,
                new AssistantMessageParam(new List<ContentBlockParam> { new ToolUseBlockParam { ID = use.ID, Name = use.Name, Input = use.Input } }),
                new UserMessageParam(new List<ContentBlockParam> { new ToolResultBlockParam(use.ID) { Content = "sunny, 21 degrees" } }),
            ],
        });
        Assert.That((Text(answer), answer.StopReason!.Raw()), Is.EqualTo((ScriptedCheckpoint.ResultAnswer, "end_turn")));
    }

    [Test]
    public async Task Streams_a_tool_use()
    {
        Streamed streamed = await Stream(Request("How is the weather in Paris?") with { Tools = [s_tool] });
        Assert.That((streamed.ToolName, streamed.StopReason, streamed.Text.Trim()), Is.EqualTo((ScriptedCheckpoint.ToolName, "tool_use", "")));
        using JsonDocument input = JsonDocument.Parse(streamed.ToolInput);
        Assert.That(input.RootElement.GetProperty("city").GetString(), Is.EqualTo("Paris"));
    }

    [Test]
    public async Task Thinks_when_asked_to()
    {
        using AnthropicClient client = Client();
        MessageCreateParams request = Request("Tell me a story.") with { MaxTokens = 1500, Thinking = new ThinkingConfigEnabled(1024) };
        Message answer = await client.Messages.Create(request);
        ThinkingBlock? thinking = null;
        Assert.That(answer.Content.Any(c => c.TryPickThinking(out thinking)), "there is a thinking block");
        Assert.That((thinking!.Thinking.Trim(), Text(answer)), Is.EqualTo((ScriptedCheckpoint.Thought, ScriptedCheckpoint.Answer)));
        Streamed streamed = await Stream(request);
        Assert.That((streamed.Thinking.Trim(), streamed.Text), Is.EqualTo((ScriptedCheckpoint.Thought, ScriptedCheckpoint.Answer)));
    }

    [Test]
    public async Task Counts_tokens_as_a_message_uses_them()
    {
        using AnthropicClient client = Client();
        MessageTokensCount count = await client.Messages.CountTokens(new MessageCountTokensParams { Model = ClientHost.Model, Messages = [new UserMessageParam("Tell me a story.")] });
        Message answer = await client.Messages.Create(Request("Tell me a story."));
        Assert.That(count.InputTokens, Is.EqualTo(answer.Usage.InputTokens));
    }

    [Test]
    public void A_wrong_key_is_401()
    {
        using AnthropicClient client = Client("wrong");
        AnthropicApiException? exception = Assert.ThrowsAsync<AnthropicUnauthorizedException>(() => client.Messages.Create(Request("Hi")));
        Assert.That(exception!.Type?.Raw(), Is.EqualTo("authentication_error"));
    }

    [Test]
    public void An_unknown_model_is_404()
    {
        using AnthropicClient client = Client();
        AnthropicApiException? exception = Assert.ThrowsAsync<AnthropicNotFoundException>(() => client.Messages.Create(Request("Hi") with { Model = "absent" }));
        Assert.That(exception!.Type?.Raw(), Is.EqualTo("not_found_error"));
        Assert.That(exception.ApiMessage, Does.Contain("model"));
    }

    [Test]
    public async Task A_full_queue_is_429()
    {
        using AnthropicClient client = new() { BaseUrl = ClientHost.NarrowUrl, ApiKey = ClientHost.Key, MaxRetries = 0 };
        using CancellationTokenSource stop = new();
        ConcurrentBag<AnthropicApiException> failures = [];
        await Task.WhenAll(Enumerable.Range(0, 16).Select(async _ =>
        {
            try
            {
                await client.Messages.Create(Request("Sing " + ScriptedCheckpoint.EndlessWord) with { MaxTokens = ScriptedCheckpoint.MaxContext / 2 }, stop.Token);
            }
            catch (AnthropicApiException exception)
            {
                failures.Add(exception);
                await stop.CancelAsync();
            }
            catch (OperationCanceledException)
            {
                // One was refused, which is all that is wanted to know.
            }
        }));
        Assert.That(failures, Is.Not.Empty);
        Assert.That(failures, Is.All.InstanceOf<AnthropicRateLimitException>());
        Assert.That(failures.First().Type?.Raw(), Is.EqualTo("rate_limit_error"));
    }

    [Test]
    public void An_impossible_value_is_400()
    {
        using AnthropicClient client = Client();
        AnthropicApiException? exception = Assert.ThrowsAsync<AnthropicBadRequestException>(() => client.Messages.Create(Request("Hi") with { MaxTokens = 0 }));
        Assert.That(exception!.Type?.Raw(), Is.EqualTo("invalid_request_error"));
        Assert.That(exception.ApiMessage, Does.Contain("max_tokens"));
    }

    private static AnthropicClient Client(string key = ClientHost.Key) => new() { BaseUrl = ClientHost.Url, ApiKey = key, MaxRetries = 0 };

    private static MessageCreateParams Request(string text) => new() { Model = ClientHost.Model, MaxTokens = 64, Messages = [new UserMessageParam(text)] };

    private static string Text(Message message) => string.Concat(message.Content.Select(c => c.TryPickText(out TextBlock? text) ? text.Text : ""));

    private static async Task<Streamed> Stream(MessageCreateParams request)
    {
        using AnthropicClient client = Client();
        Streamed streamed = new();
        await foreach (RawMessageStreamEvent one in client.Messages.CreateStreaming(request))
        {
            streamed.Add(one);
        }

        return streamed;
    }

    /// <summary>A message put together from its events.</summary>
    private sealed class Streamed
    {
        private readonly StringBuilder _text = new();
        private readonly StringBuilder _thinking = new();
        private readonly StringBuilder _toolInput = new();

        public List<string> Kinds { get; } = [];

        public string Text => _text.ToString();

        public string Thinking => _thinking.ToString();

        public string ToolInput => _toolInput.ToString();

        public string? ToolName { get; private set; }

        public string? StopReason { get; private set; }

        public int TextPieces { get; private set; }

        public long OutputTokens { get; private set; }

        public void Add(RawMessageStreamEvent one)
        {
            Kinds.Add(one.Type.Raw());
            if (one.TryPickContentBlockStart(out RawContentBlockStartEvent? start) && start.ContentBlock.TryPickToolUse(out ToolUseBlock? use))
            {
                ToolName = use.Name;
            }
            else if (one.TryPickContentBlockDelta(out RawContentBlockDeltaEvent? delta))
            {
                if (delta.Delta.TryPickText(out TextDelta? text))
                {
                    _text.Append(text.Text);
                    TextPieces++;
                }
                else if (delta.Delta.TryPickThinking(out ThinkingDelta? thinking))
                {
                    _thinking.Append(thinking.Thinking);
                }
                else if (delta.Delta.TryPickInputJson(out InputJsonDelta? json))
                {
                    _toolInput.Append(json.PartialJson);
                }
            }
            else if (one.TryPickDelta(out RawMessageDeltaEvent? end))
            {
                StopReason = end.Delta.StopReason?.Raw();
                OutputTokens = end.Usage.OutputTokens;
            }
        }
    }
}
