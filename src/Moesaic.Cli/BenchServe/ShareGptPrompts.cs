using System.Text.Json;

namespace Moesaic.Cli.BenchServe;

/// <summary>
/// Requests out of ShareGPT's conversations: the first turn is the prompt, the length of the second is how much to generate.
/// As other benchmarks of this data do, very short and very long ones are left out.
/// </summary>
internal static class ShareGptPrompts
{
    private const int MinTokens = 4;
    private const int MaxPromptTokens = 1024;
    private const int MaxTokens = 2048;

    /// <param name="path">The file, for messages.</param>
    /// <param name="json">What is in it.</param>
    /// <param name="count">How many to draw; null for all that fit.</param>
    /// <param name="outputTokens">Tokens to generate whatever the second turn's length is; null for that length.</param>
    /// <param name="random">Draws the order.</param>
    /// <param name="codec">Counts tokens.</param>
    /// <param name="cancellationToken">Ends the counting.</param>
    /// <exception cref="UsageException">The file holds something else, or nothing that fits.</exception>
    public static async Task<List<BenchPrompt>> DrawAsync(
        string path, string json, int? count, int? outputTokens, BenchRandom random, IPromptCodec codec, CancellationToken cancellationToken)
    {
        (string Prompt, string Answer)[] turns = [.. Read(path, json)];
        random.Shuffle<(string, string)>(turns);
        List<BenchPrompt> prompts = [];
        foreach ((string prompt, string answer) in turns)
        {
            if (prompts.Count == count)
            {
                break;
            }

            int promptTokens = (await codec.EncodeAsync(prompt, cancellationToken).ConfigureAwait(false)).Length;
            int answerTokens = outputTokens ?? (await codec.EncodeAsync(answer, cancellationToken).ConfigureAwait(false)).Length;
            if (promptTokens is >= MinTokens and <= MaxPromptTokens
                && (outputTokens is not null || (answerTokens >= MinTokens && promptTokens + answerTokens <= MaxTokens)))
            {
                prompts.Add(new BenchPrompt { Text = prompt, NumTokens = promptTokens, OutputTokens = answerTokens });
            }
        }

        return prompts.Count > 0
            ? prompts
            : throw new UsageException($"{path}: no conversation has a prompt of {MinTokens} to {MaxPromptTokens} tokens and at most {MaxTokens} with its answer");
    }

    private static List<(string Prompt, string Answer)> Read(string path, string json)
    {
        List<(string, string)> turns = [];
        try
        {
            using JsonDocument document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 128 });
            if (document.RootElement.ValueKind != JsonValueKind.Array)
            {
                throw new UsageException($"{path}: expected an array of conversations");
            }

            foreach (JsonElement one in document.RootElement.EnumerateArray())
            {
                if (one.ValueKind == JsonValueKind.Object && one.TryGetProperty("conversations", out JsonElement all)
                    && all.ValueKind == JsonValueKind.Array && all.GetArrayLength() >= 2
                    && TextOf(all[0]) is { } prompt && TextOf(all[1]) is { } answer)
                {
                    turns.Add((prompt, answer));
                }
            }
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw new UsageException($"{path}: {exception.Message}");
        }

        return turns;
    }

    private static string? TextOf(JsonElement turn) =>
        turn.ValueKind == JsonValueKind.Object && turn.TryGetProperty("value", out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
