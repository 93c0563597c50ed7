using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Moesaic.Engine.Tests;

/// <summary>Microsoft.Extensions.AI's interface over the concurrent engine, with the embedded model and with scripted replies.</summary>
internal sealed class EngineChatClientTests
{
    private const string Reply = "<think>\nI look.\n</think>\n\nWait.\n<tool_call>\n{\"name\": \"look_up\", \"arguments\": {\"word\": \"river\", \"count\": 2}}\n</tool_call>";
    private static readonly ChatMessage[] s_question = [new(ChatRole.User, "define river")];
    private static readonly ChatOptions s_short = new() { Temperature = 0, MaxOutputTokens = 12 };

    private ModelRuntime _runtime = null!;

    [OneTimeSetUp]
    public void Load() => _runtime = ServingTestModel.Embedded(1024);

    [OneTimeTearDown]
    public void Unload() => _runtime.Dispose();

    [Test]
    public async Task An_answer_is_the_generators_streamed_or_not()
    {
        using InferenceEngine engine = new(_runtime);
        using EngineChatClient client = new(engine);
        ChatResponse whole = await client.GetResponseAsync(s_question, s_short);
        ChatResponse streamed = await client.GetStreamingResponseAsync(s_question, s_short).ToChatResponseAsync();
        IReadOnlyList<int> prompt = _runtime.EncodeChat([new ChatTurn("user", "define river")]);
        using TextGenerator generator = _runtime.CreateGenerator();
        GenerationResult expected = generator.Complete(prompt, new SamplingParameters { Temperature = 0, MaxTokens = 12 });
        Assert.That(whole.Text, Is.EqualTo(expected.Text));
        Assert.That(streamed.Text, Is.EqualTo(expected.Text));
        Assert.That(whole.FinishReason, Is.EqualTo(ChatFinishReason.Length));
        Assert.That(whole.ModelId, Is.EqualTo(_runtime.Name));
        Assert.That(whole.Usage!.InputTokenCount, Is.EqualTo(prompt.Count));
        Assert.That(whole.Usage.OutputTokenCount, Is.EqualTo(12));
        Assert.That(engine.CheckIntegrity(), Is.Null);
    }

    [Test]
    public async Task Calls_and_thinking_come_out_and_go_back_in()
    {
        int[] ids = [.. _runtime.Tokenizer.Encode(Reply, addSpecialTokens: false), _runtime.EndIds.First()];
        using InferenceEngine engine = new(_runtime, new ServingOptions(), executor => new ScriptedExecutor(executor, () => ids));
        using EngineChatClient client = new(engine, ReplyFormat.For(_runtime, "qwen"));
        ChatOptions options = new() { Tools = [Tool()], Temperature = 0 };
        ChatResponse response = await client.GetResponseAsync(s_question, options);
        Assert.That(response.FinishReason, Is.EqualTo(ChatFinishReason.ToolCalls));
        Assert.That(response.Text, Is.EqualTo("Wait."));
        IList<AIContent> contents = response.Messages.Single().Contents;
        Assert.That(contents.OfType<TextReasoningContent>().Single().Text, Is.EqualTo("I look."));
        FunctionCallContent call = contents.OfType<FunctionCallContent>().Single();
        Assert.That(call.Name, Is.EqualTo("look_up"));
        Assert.That(((JsonElement)call.Arguments!["count"]!).GetInt32(), Is.EqualTo(2));

        ChatMessage result = new(ChatRole.Tool, [new FunctionResultContent(call.CallId, new Dictionary<string, object?> { ["meaning"] = "water" })]);
        ChatPrompt prompt = ChatConversion.Prompt([.. s_question, .. response.Messages, result], options);
        Assert.That(prompt.Turns.Select(turn => turn.Role), Is.EqualTo(new[] { "user", "assistant", "tool" }));
        Assert.That(prompt.Turns[1].Reasoning, Is.EqualTo("I look."));
        ChatToolCall back = prompt.Turns[1].ToolCalls.Single();
        Assert.That(back, Is.EqualTo(new ChatToolCall(call.CallId, "look_up", "{\"word\":\"river\",\"count\":2}")));
        Assert.That(prompt.Turns[2], Is.EqualTo(new ChatTurn("tool", "{\"meaning\":\"water\"}") { ToolCallId = call.CallId, Name = "look_up", ToolCalls = prompt.Turns[2].ToolCalls }));
        Assert.That(prompt.Tools, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Many_at_a_time_get_what_they_get_alone()
    {
        using InferenceEngine engine = new(_runtime);
        using EngineChatClient client = new(engine);
        string[] words = ["river", "house", "to run", "green"];
        Task<ChatResponse>[] together = [.. words.Select(word => client.GetResponseAsync($"define {word}", s_short))];
        foreach ((string word, Task<ChatResponse> task) in words.Zip(together))
        {
            string alone = (await client.GetResponseAsync($"define {word}", s_short)).Text;
            Assert.That((await task).Text, Is.EqualTo(alone));
        }
    }

    [Test]
    public async Task Cancelling_ends_the_stream_and_frees_the_blocks()
    {
        using InferenceEngine engine = new(_runtime);
        using EngineChatClient client = new(engine);
        using CancellationTokenSource source = new();
        ChatOptions endless = new() { Temperature = 1, Seed = 3, MaxOutputTokens = 900 };
        Assert.That(
            async () =>
            {
                await foreach (ChatResponseUpdate _ in client.GetStreamingResponseAsync("define river and more", endless, source.Token))
                {
                    await source.CancelAsync();
                }
            },
            Throws.InstanceOf<OperationCanceledException>());
        await engine.DrainAsync(ServingTestModel.Limit);
        Assert.That(engine.CheckIntegrity(), Is.Null);
        Assert.That(engine.Statistics().BlocksUsed, Is.Zero);
        Assert.That(async () => await client.GetResponseAsync("again"), Throws.InstanceOf<RequestRefusedException>().With.Message.Contains("takes nothing new"));
    }

    [Test]
    public void What_cannot_be_done_is_refused()
    {
        using InferenceEngine engine = new(_runtime);
        using EngineChatClient client = new(engine);
        foreach (ChatOptions options in (ChatOptions[])
        [
            new() { ResponseFormat = ChatResponseFormat.Json },
            new() { ToolMode = ChatToolMode.RequireAny },
            new() { ToolMode = ChatToolMode.RequireSpecific("look_up") },
            new() { ConversationId = "c1" },
            new() { Tools = [new HostedWebSearchTool()] },
            new() { Tools = [Tool()], AllowMultipleToolCalls = false },
        ])
        {
            Assert.That(async () => await client.GetResponseAsync(s_question, options), Throws.InstanceOf<NotSupportedException>());
        }

        ChatMessage image = new(ChatRole.User, [new DataContent(new byte[] { 1 }, "image/png")]);
        Assert.That(async () => await client.GetResponseAsync([image]), Throws.InstanceOf<NotSupportedException>().With.Message.Contains("DataContent"));
        Assert.That(async () => await client.GetResponseAsync(s_question, new ChatOptions { TopP = 2 }), Throws.ArgumentException.With.Message.Contains("TopP"));
    }

    [Test]
    public void Options_become_sampling()
    {
        ChatOptions options = new()
        {
            Temperature = 0.5f, TopP = 0.9f, TopK = 7, Seed = 11, MaxOutputTokens = 5, StopSequences = ["x"], FrequencyPenalty = 0.1f, PresencePenalty = 0.2f,
        };
        SamplingParameters sampling = ChatConversion.Sampling(new SamplingParameters { RepetitionPenalty = 1.2f }, options);
        Assert.That(sampling.StopStrings, Is.EqualTo(new[] { "x" }));
        Assert.That(sampling with { StopStrings = [] }, Is.EqualTo(new SamplingParameters
        {
            Temperature = 0.5f, TopP = 0.9f, TopK = 7, Seed = 11, MaxTokens = 5, FrequencyPenalty = 0.1f, PresencePenalty = 0.2f, RepetitionPenalty = 1.2f, StopStrings = [],
        }));
    }

    [Test]
    public void Services_are_found()
    {
        using InferenceEngine engine = new(_runtime);
        using EngineChatClient client = new(engine);
        Assert.That(client.GetService<ChatClientMetadata>()!.ProviderName, Is.EqualTo("moesaic"));
        Assert.That(client.GetService<InferenceEngine>(), Is.SameAs(engine));
        Assert.That(client.GetService<ReplyFormat>()!.Name, Is.EqualTo("ling"));
        Assert.That(client.GetService<IChatClient>(), Is.SameAs(client));
        Assert.That(client.GetService<string>(), Is.Null);
    }

    private static AIFunction Tool() => AIFunctionFactory.Create((string word, int count) => word + count, "look_up", "Looks a word up.");
}
