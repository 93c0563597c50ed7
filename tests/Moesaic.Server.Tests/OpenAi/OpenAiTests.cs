using System.Text;
using System.Text.Json;

namespace Moesaic.Server.Tests.OpenAi;

/// <summary>Starts one host with the embedded model for all tests of the protocol.</summary>
[SetUpFixture]
internal sealed class OpenAiSetUp
{
    public static OpenAiHost Host { get; private set; } = null!;

    [OneTimeSetUp]
    public async Task Start() => Host = await OpenAiHost.StartAsync();

    [OneTimeTearDown]
    public async Task Stop() => await Host.DisposeAsync();
}

/// <summary>What tests of chat and text completions share.</summary>
internal abstract class OpenAiTests
{
    protected const string Chat = "/v1/chat/completions";
    protected const string Completions = "/v1/completions";
    protected const string River = "\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"define river\"}]";
    protected const string RiverPrompt = "\"model\":\"m\",\"prompt\":\"<role>HUMAN</role>define river<|role_end|><role>ASSISTANT</role>\"";

    protected static OpenAiHost Host => OpenAiSetUp.Host;

    /// <summary>A choice of a chat completion, however it came.</summary>
    protected sealed record Choice(string Content, string Reasoning, string? Finish, string Logprobs, string Calls, string Ids);

    protected static Task<JsonElement> ChatAsync(string fields) => Host.PostAsync(Chat, "{" + River + "," + fields + "}");

    protected static Task<JsonElement> CompleteAsync(string fields) => Host.PostAsync(Completions, "{" + RiverPrompt + "," + fields + "}");

    protected static string Content(JsonElement response, int choice = 0) =>
        response.GetProperty("choices")[choice].GetProperty("message").GetProperty("content").GetString()!;

    protected static string Text(JsonElement response, int choice = 0) => response.GetProperty("choices")[choice].GetProperty("text").GetString()!;

    protected static int Used(JsonElement response, string name = "completion_tokens") => response.GetProperty("usage").GetProperty(name).GetInt32();

    protected static string? Finish(JsonElement response, int choice = 0) => response.GetProperty("choices")[choice].GetProperty("finish_reason").GetString();

    /// <summary>Names of the members, in order: the shape of an object.</summary>
    protected static string Shape(JsonElement element) => string.Join(",", element.EnumerateObject().Select(static p => p.Name));

    protected static Choice WholeChoice(JsonElement response, int index)
    {
        JsonElement choice = response.GetProperty("choices")[index];
        JsonElement message = choice.GetProperty("message");
        StringBuilder calls = new();
        if (message.TryGetProperty("tool_calls", out JsonElement list))
        {
            foreach (JsonElement call in list.EnumerateArray())
            {
                calls.Append(call.GetProperty("function").GetProperty("name").GetString()).Append(call.GetProperty("function").GetProperty("arguments").GetString());
            }
        }

        return new Choice(
            message.GetProperty("content").GetString() ?? "",
            message.TryGetProperty("reasoning_content", out JsonElement reasoning) ? reasoning.GetString()! : "",
            choice.GetProperty("finish_reason").GetString(),
            choice.GetProperty("logprobs").ValueKind == JsonValueKind.Object ? string.Concat(choice.GetProperty("logprobs").GetProperty("content").EnumerateArray().Select(static t => t.GetRawText())) : "",
            calls.ToString(),
            choice.TryGetProperty("token_ids", out JsonElement ids) ? string.Join(",", ids.EnumerateArray().Select(static i => i.GetInt32())) : "");
    }

    protected static Choice StreamedChoice(IEnumerable<SseEvent> events, int index)
    {
        StringBuilder content = new(), reasoning = new(), logprobs = new(), calls = new();
        List<int> ids = [];
        string? finish = null;
        foreach (JsonElement choice in events.Where(static e => !e.IsDone).SelectMany(static e => e.Data.GetProperty("choices").EnumerateArray()).Where(c => c.GetProperty("index").GetInt32() == index))
        {
            Assert.That(finish, Is.Null, "nothing follows the end");
            JsonElement delta = choice.GetProperty("delta");
            content.Append(delta.TryGetProperty("content", out JsonElement text) ? text.GetString() : "");
            reasoning.Append(delta.TryGetProperty("reasoning_content", out text) ? text.GetString() : "");
            if (delta.TryGetProperty("tool_calls", out JsonElement list))
            {
                foreach (JsonElement function in list.EnumerateArray().Select(static c => c.GetProperty("function")))
                {
                    calls.Append(function.TryGetProperty("name", out JsonElement name) ? name.GetString() : "").Append(function.GetProperty("arguments").GetString());
                }
            }

            if (choice.TryGetProperty("logprobs", out JsonElement tokens))
            {
                logprobs.Append(string.Concat(tokens.GetProperty("content").EnumerateArray().Select(static t => t.GetRawText())));
            }

            if (choice.TryGetProperty("token_ids", out JsonElement drawn))
            {
                ids.AddRange(drawn.EnumerateArray().Select(static i => i.GetInt32()));
            }

            finish = choice.GetProperty("finish_reason").GetString();
        }

        return new Choice(content.ToString(), reasoning.ToString(), finish, logprobs.ToString(), calls.ToString(), string.Join(",", ids));
    }
}
