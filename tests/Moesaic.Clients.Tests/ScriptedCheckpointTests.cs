using Microsoft.Extensions.AI;
using Moesaic.Engine;
using Moesaic.TestSupport;

namespace Moesaic.Clients.Tests;

/// <summary>The scripted checkpoint says what it promises, without a host between.</summary>
internal sealed class ScriptedCheckpointTests
{
    [Test]
    public async Task Says_what_it_promises()
    {
        using TemporaryFolder folder = new();
        using ModelRuntime runtime = ModelRuntime.Load(ScriptedCheckpoint.Write(folder.Path));
        using InferenceEngine engine = new(runtime);
        using EngineChatClient client = new(engine);
        Assert.That((await client.GetResponseAsync("Tell me a story.")).Text, Is.EqualTo(ScriptedCheckpoint.Answer));
        ChatResponse call = await client.GetResponseAsync(
            "How is the weather?", new ChatOptions { Tools = [AIFunctionFactory.CreateDeclaration(ScriptedCheckpoint.ToolName, "The weather.", System.Text.Json.JsonDocument.Parse("""{"type":"object"}""").RootElement)] });
        FunctionCallContent function = call.Messages.SelectMany(m => m.Contents).OfType<FunctionCallContent>().Single();
        Assert.That((function.Name, function.Arguments!["city"]?.ToString()), Is.EqualTo((ScriptedCheckpoint.ToolName, "Paris")));
    }
}
