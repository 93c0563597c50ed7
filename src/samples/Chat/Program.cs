// Asks a model over IChatClient: usage: Chat MODEL "QUESTION"
using Microsoft.Extensions.AI;
using Moesaic.Engine;

if (args is not [string path, string question])
{
    Console.Error.WriteLine("usage: Chat MODEL \"QUESTION\"   (MODEL: a Hugging Face folder or a GGUF file)");
    return 2;
}

using ModelRuntime runtime = ModelRuntime.Load(path);
using InferenceEngine engine = new(runtime);
using IChatClient client = new EngineChatClient(engine);
ChatOptions options = new() { Temperature = 0, MaxOutputTokens = 64 };

// Streamed, as it comes.
UsageDetails? usage = null;
await foreach (ChatResponseUpdate update in client.GetStreamingResponseAsync(question, options))
{
    Console.Write(update.Text);
    usage = update.Contents.OfType<UsageContent>().FirstOrDefault()?.Details ?? usage;
}

Console.WriteLine();
Console.WriteLine($"{usage?.InputTokenCount} tokens read, {usage?.OutputTokenCount} written");

// Several at a time share the engine's steps; each gets what it would get alone.
ChatResponse[] answers = await Task.WhenAll(
    client.GetResponseAsync(question, options),
    client.GetResponseAsync(question + "?", options));
Console.WriteLine(string.Join('\n', answers.Select(answer => answer.Text)));
return 0;
