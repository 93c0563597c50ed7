using System.ClientModel;
using System.ClientModel.Primitives;
using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Moesaic.TestSupport;
using OpenAI;
using OpenAI.Chat;
using OpenAI.Models;
using OpenAI.Responses;

namespace Moesaic.Clients.Tests;

/// <summary>OpenAI's .NET package against the running host.</summary>
internal sealed class OpenAiClientTests
{
    private static readonly ChatTool s_tool = ChatTool.CreateFunctionTool(
        ScriptedCheckpoint.ToolName,
        "The weather in a city.",
        BinaryData.FromString("""{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}"""));

    [Test]
    public async Task Lists_the_models()
    {
        OpenAIModelCollection models = await new OpenAIModelClient(Credential(), Options()).GetModelsAsync();
        Assert.That(models.Select(m => m.Id), Is.EquivalentTo(new[] { ClientHost.Model, ClientHost.EmbeddedModel, ClientHost.Encoder }));
    }

    [Test]
    public async Task Answers_a_chat()
    {
        ChatCompletion answer = await Chat().CompleteChatAsync(new UserChatMessage("Tell me a story."));
        Assert.That(answer.Content.Single().Text, Is.EqualTo(ScriptedCheckpoint.Answer));
        Assert.That((answer.FinishReason, answer.Role, answer.Model), Is.EqualTo((ChatFinishReason.Stop, ChatMessageRole.Assistant, ClientHost.Model)));
        Assert.That(answer.Usage.InputTokenCount, Is.GreaterThan("Tell me a story.".Length));
        Assert.That(answer.Usage.TotalTokenCount, Is.EqualTo(answer.Usage.InputTokenCount + answer.Usage.OutputTokenCount));
        Assert.That(answer.Id, Does.StartWith("chatcmpl-"));
    }

    [Test]
    public async Task Streams_a_chat_in_pieces()
    {
        StringBuilder text = new();
        ChatFinishReason? finish = null;
        ChatTokenUsage? usage = null;
        int pieces = 0;
        await foreach (StreamingChatCompletionUpdate update in Chat().CompleteChatStreamingAsync(new UserChatMessage("Tell me a story.")))
        {
            foreach (ChatMessageContentPart part in update.ContentUpdate.Where(p => p.Text.Length > 0))
            {
                text.Append(part.Text);
                pieces++;
            }

            finish = update.FinishReason ?? finish;
            usage = update.Usage ?? usage;
        }

        Assert.That((text.ToString(), finish), Is.EqualTo((ScriptedCheckpoint.Answer, (ChatFinishReason?)ChatFinishReason.Stop)));
        Assert.That(pieces, Is.GreaterThan(3));
        Assert.That(usage?.OutputTokenCount, Is.GreaterThanOrEqualTo(pieces));
    }

    [Test]
    public async Task Ends_at_a_limit_and_at_a_stop_string()
    {
        ChatCompletion limited = await Chat().CompleteChatAsync([new UserChatMessage("Hi")], new ChatCompletionOptions { MaxOutputTokenCount = 3 });
        Assert.That((limited.Content.Single().Text, limited.FinishReason, limited.Usage.OutputTokenCount), Is.EqualTo(("Once upon a", ChatFinishReason.Length, 3)));
        ChatCompletion stopped = await Chat().CompleteChatAsync([new UserChatMessage("Hi")], new ChatCompletionOptions { StopSequences = { " there" } });
        Assert.That((stopped.Content.Single().Text, stopped.FinishReason), Is.EqualTo(("Once upon a time", ChatFinishReason.Stop)));
    }

    [Test]
    public async Task Tells_log_probabilities()
    {
        ChatCompletion answer = await Chat().CompleteChatAsync(
            [new UserChatMessage("Hi")], new ChatCompletionOptions { IncludeLogProbabilities = true, TopLogProbabilityCount = 2, MaxOutputTokenCount = 4 });
        Assert.That(answer.ContentTokenLogProbabilities.Select(t => t.Token), Is.EqualTo(new[] { "Once", " upon", " a", " time" }));
        Assert.That(answer.ContentTokenLogProbabilities.Select(t => (double)t.LogProbability), Is.All.EqualTo(0).Within(1e-3));
        Assert.That(answer.ContentTokenLogProbabilities.Select(t => t.TopLogProbabilities.Count), Is.All.EqualTo(2));
    }

    [Test]
    public async Task Calls_a_tool_and_takes_its_result()
    {
        ChatCompletionOptions options = new() { Tools = { s_tool } };
        List<ChatMessage> messages = [new UserChatMessage("How is the weather in Paris?")];
        ChatCompletion call = await Chat().CompleteChatAsync(messages, options);
        Assert.That(call.FinishReason, Is.EqualTo(ChatFinishReason.ToolCalls));
        ChatToolCall one = call.ToolCalls.Single();
        Assert.That(one.FunctionName, Is.EqualTo(ScriptedCheckpoint.ToolName));
        Assert.That(City(one.FunctionArguments.ToString()), Is.EqualTo("Paris"));
        messages.Add(new AssistantChatMessage(call));
        messages.Add(new ToolChatMessage(one.Id, "sunny, 21 degrees"));
        ChatCompletion answer = await Chat().CompleteChatAsync(messages, options);
        Assert.That((answer.Content.Single().Text, answer.FinishReason), Is.EqualTo((ScriptedCheckpoint.ResultAnswer, ChatFinishReason.Stop)));
    }

    [Test]
    public async Task Streams_a_tool_call()
    {
        string? name = null;
        string? id = null;
        StringBuilder arguments = new();
        StringBuilder text = new();
        ChatFinishReason? finish = null;
        await foreach (StreamingChatCompletionUpdate update in Chat().CompleteChatStreamingAsync(
            [new UserChatMessage("How is the weather in Paris?")], new ChatCompletionOptions { Tools = { s_tool } }))
        {
            foreach (StreamingChatToolCallUpdate one in update.ToolCallUpdates)
            {
                Assert.That(one.Index, Is.Zero);
                name ??= one.FunctionName;
                id ??= one.ToolCallId;
                arguments.Append(one.FunctionArgumentsUpdate);
            }

            text.AppendJoin("", update.ContentUpdate.Select(p => p.Text));
            finish = update.FinishReason ?? finish;
        }

        Assert.That((name, finish), Is.EqualTo((ScriptedCheckpoint.ToolName, (ChatFinishReason?)ChatFinishReason.ToolCalls)));
        Assert.That(id, Is.Not.Null.And.Not.Empty);
        Assert.That(City(arguments.ToString()), Is.EqualTo("Paris"));
        Assert.That(text.ToString().Trim(), Is.Empty);
    }

    [Test]
    public async Task Responds_whole_and_streamed()
    {
        ResponsesClient client = new(Credential(), new ResponsesClientOptions { Endpoint = new Uri(ClientHost.Url + "/v1"), RetryPolicy = new ClientRetryPolicy(maxRetries: 0) });
        CreateResponseOptions Request() => new() { Model = ClientHost.Model, InputItems = { ResponseItem.CreateUserMessageItem("Tell me a story.") }, StoredOutputEnabled = false };
        ResponseResult whole = await client.CreateResponseAsync(Request());
        Assert.That((whole.GetOutputText(), whole.Status), Is.EqualTo((ScriptedCheckpoint.Answer, (ResponseStatus?)ResponseStatus.Completed)));
        StringBuilder text = new();
        string? completed = null;
        CreateResponseOptions streaming = Request();
        streaming.StreamingEnabled = true;
        await foreach (StreamingResponseUpdate update in await client.CreateResponseStreamingAsync(streaming))
        {
            text.Append((update as StreamingResponseOutputTextDeltaUpdate)?.Delta);
            completed = (update as StreamingResponseCompletedUpdate)?.Response.GetOutputText() ?? completed;
        }

        Assert.That((text.ToString(), completed), Is.EqualTo((ScriptedCheckpoint.Answer, ScriptedCheckpoint.Answer)));
    }

    [Test]
    public async Task A_stream_that_its_reader_leaves_ends_and_the_host_goes_on()
    {
        int pieces = 0;
        await foreach (StreamingChatCompletionUpdate update in Chat().CompleteChatStreamingAsync(new UserChatMessage("Sing " + ScriptedCheckpoint.EndlessWord)))
        {
            pieces += update.ContentUpdate.Count(p => p.Text.Contains(ScriptedCheckpoint.EndlessPiece, StringComparison.Ordinal));
            if (pieces > 2)
            {
                break;
            }
        }

        Assert.That(pieces, Is.GreaterThan(2));
        await Answers_a_chat();
    }

    [Test]
    public async Task Many_at_once_get_their_own_answers()
    {
        ChatCompletion[] answers = await Task.WhenAll(Enumerable.Range(0, 16).Select(async i =>
        {
            ChatCompletion answer = await Chat().CompleteChatAsync([new UserChatMessage("Hi")], new ChatCompletionOptions { MaxOutputTokenCount = 1 + (i % 8) });
            Assert.That(answer.Usage.OutputTokenCount, Is.EqualTo(1 + (i % 8)));
            return answer;
        }));
        Assert.That(answers.Select(a => a.Id), Is.Unique);
        Assert.That(answers.Select(a => ScriptedCheckpoint.Answer.StartsWith(a.Content.Single().Text, StringComparison.Ordinal)), Is.All.True);
    }

    [Test]
    public async Task The_embedded_model_answers_the_same_whole_and_streamed()
    {
        ChatMessage[] messages = [new UserChatMessage("define river")];
        ChatCompletionOptions options = new() { Temperature = 0, MaxOutputTokenCount = 32 };
        ChatClient chat = Chat(ClientHost.EmbeddedModel);
        ChatCompletion whole = await chat.CompleteChatAsync(messages, options);
        StringBuilder streamed = new();
        await foreach (StreamingChatCompletionUpdate update in chat.CompleteChatStreamingAsync(messages, options))
        {
            streamed.AppendJoin("", update.ContentUpdate.Select(p => p.Text));
        }

        Assert.That(whole.Content.Single().Text, Is.Not.Empty);
        Assert.That(streamed.ToString(), Is.EqualTo(whole.Content.Single().Text));
    }

    [Test]
    public async Task A_wrong_key_is_401()
    {
        ChatClient chat = new(ClientHost.Model, new ApiKeyCredential("wrong"), Options());
        await Fails(401, () => chat.CompleteChatAsync(new UserChatMessage("Hi")));
    }

    [Test]
    public async Task An_unknown_model_is_404() =>
        Assert.That(await Fails(404, () => Chat("absent").CompleteChatAsync(new UserChatMessage("Hi"))), Does.Contain("model_not_found"));

    [Test]
    public async Task A_full_queue_is_429_with_a_time_to_come_back()
    {
        ChatClient chat = new(ClientHost.Model, Credential(), Options(ClientHost.NarrowUrl));
        using CancellationTokenSource stop = new();
        ConcurrentBag<ClientResultException> failures = [];
        await Task.WhenAll(Enumerable.Range(0, 16).Select(async _ =>
        {
            try
            {
                await chat.CompleteChatAsync([new UserChatMessage("Sing " + ScriptedCheckpoint.EndlessWord)], null, stop.Token);
            }
            catch (ClientResultException exception)
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
        Assert.That(failures.Select(f => f.Status), Is.All.EqualTo(429));
        Assert.That(failures.First().GetRawResponse()!.Headers.TryGetValue("Retry-After", out string? seconds), "the reply has Retry-After");
        Assert.That(int.Parse(seconds!, CultureInfo.InvariantCulture), Is.Positive);
    }

    [Test]
    public async Task An_impossible_value_is_400()
    {
        string message = await Fails(400, () => Chat().CompleteChatAsync([new UserChatMessage("Hi")], new ChatCompletionOptions { Temperature = -1 }));
        Assert.That(message, Does.Contain("temperature"));
    }

    [Test]
    public async Task A_prompt_beyond_the_context_is_400() =>
        await Fails(400, () => Chat().CompleteChatAsync(new UserChatMessage(new string('x', ScriptedCheckpoint.MaxContext + 1))));

    [Test]
    public async Task A_schema_for_the_answer_is_400_and_not_supported_yet()
    {
        string message = await Fails(400, () => Chat().CompleteChatAsync(
            [new UserChatMessage("Hi")], new ChatCompletionOptions { ResponseFormat = ChatResponseFormat.CreateJsonObjectFormat() }));
        Assert.That(message, Does.Contain("not_supported").Or.Contain("not supported"));
    }

    [Test]
    public async Task Embeddings_come_from_an_encoder()
    {
        OpenAI.Embeddings.EmbeddingClient client = new(ClientHost.Encoder, Credential(), Options());
        OpenAI.Embeddings.OpenAIEmbeddingCollection found = await client.GenerateEmbeddingsAsync(["a river", "Stones."]);
        Assert.That(found.Select(e => e.ToFloats().Length), Is.EqualTo(new[] { SmallEncoder.Dimensions, SmallEncoder.Dimensions }));
        Assert.That(found.Usage.InputTokenCount, Is.EqualTo(9));
        OpenAI.Embeddings.OpenAIEmbedding alone = await client.GenerateEmbeddingAsync("Stones.");
        Assert.That(alone.ToFloats().ToArray(), Is.EqualTo(found[1].ToFloats().ToArray()));
    }

    [Test]
    public async Task Embeddings_are_a_clear_error()
    {
        ClientResultException exception = await ThrowsAsync(() => new OpenAI.Embeddings.EmbeddingClient(ClientHost.Model, Credential(), Options()).GenerateEmbeddingAsync("x"));
        Assert.That(exception.Status, Is.InRange(400, 499));
    }

    private static ChatClient Chat(string model = ClientHost.Model) => new(model, Credential(), Options());

    private static ApiKeyCredential Credential() => new(ClientHost.Key);

    private static OpenAIClientOptions Options(string? url = null) => new() { Endpoint = new Uri((url ?? ClientHost.Url) + "/v1"), RetryPolicy = new ClientRetryPolicy(maxRetries: 0) };

    private static string? City(string json)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        return document.RootElement.GetProperty("city").GetString();
    }

    private static async Task<string> Fails<T>(int status, Func<Task<T>> call)
    {
        ClientResultException exception = await ThrowsAsync(call);
        Assert.That(exception.Status, Is.EqualTo(status), exception.Message);
        return exception.Message;
    }

    private static async Task<ClientResultException> ThrowsAsync<T>(Func<Task<T>> call)
    {
        try
        {
            await call();
        }
        catch (ClientResultException exception)
        {
            return exception;
        }

        throw new AssertionException("the call succeeded");
    }
}
