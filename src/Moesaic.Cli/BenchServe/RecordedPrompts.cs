using System.Text.Json;
using Moesaic.Cli.Input;

namespace Moesaic.Cli.BenchServe;

/// <summary>
/// Requests out of a file with one JSON object a line: <c>prompt</c> (text or token ids) or <c>messages</c>; <c>output_tokens</c>;
/// <c>arrival_time</c> in seconds (in all lines or none); <c>prompt_tokens</c>, for hosts that do not count.
/// </summary>
internal static class RecordedPrompts
{
    /// <summary>Tokens to generate where neither the file nor the command line says how many.</summary>
    public const int DefaultOutputTokens = 256;

    /// <param name="path">The file, for messages.</param>
    /// <param name="text">What is in it.</param>
    /// <param name="outputTokens">Tokens to generate whatever the file says; null for what it says.</param>
    /// <exception cref="UsageException">The file holds something else; the message names the line.</exception>
    public static List<BenchPrompt> Parse(string path, string text, int? outputTokens)
    {
        List<BenchPrompt> prompts = [];
        int number = 0;
        foreach (ReadOnlySpan<char> line in text.AsSpan().EnumerateLines())
        {
            number++;
            if (line.IsWhiteSpace())
            {
                continue;
            }

            try
            {
                prompts.Add(ParseLine(line.ToString(), outputTokens));
            }
            catch (Exception exception) when (exception is JsonException or FormatException)
            {
                throw new UsageException($"{path}, line {number}: {exception.Message}");
            }
        }

        if (prompts.Count == 0)
        {
            throw new UsageException($"{path} holds no requests");
        }

        if (prompts.Any(p => p.ArrivalTime is null) && prompts.Any(p => p.ArrivalTime is not null))
        {
            throw new UsageException($"{path}: some lines have an arrival_time and others have none");
        }

        return prompts[0].ArrivalTime is null ? prompts : FromFirstArrival(prompts);
    }

    private static List<BenchPrompt> FromFirstArrival(List<BenchPrompt> prompts)
    {
        double first = prompts.Min(p => p.ArrivalTime!.Value);
        return [.. prompts.OrderBy(p => p.ArrivalTime).Select(p => p with { ArrivalTime = p.ArrivalTime - first })];
    }

    private static BenchPrompt ParseLine(string line, int? outputTokens)
    {
        using JsonDocument document = JsonDocument.Parse(line, new JsonDocumentOptions { MaxDepth = 128 });
        JsonElement root = document.RootElement;
        if (root.ValueKind != JsonValueKind.Object)
        {
            throw new FormatException("a line must be a JSON object");
        }

        bool hasPrompt = root.TryGetProperty("prompt", out JsonElement prompt);
        bool hasMessages = root.TryGetProperty("messages", out JsonElement messages);
        if (hasPrompt == hasMessages)
        {
            throw new FormatException("expected either 'prompt' or 'messages'");
        }

        if (hasMessages && (messages.ValueKind != JsonValueKind.Array || messages.GetArrayLength() == 0))
        {
            throw new FormatException("'messages' must be an array with at least one message");
        }

        List<int>? ids = hasPrompt && prompt.ValueKind == JsonValueKind.Array ? JsonMembers.Ids(root, "prompt") : null;
        return new BenchPrompt
        {
            Text = hasPrompt && ids is null ? JsonMembers.Text(root, "prompt") : null,
            Ids = ids?.ToArray(),
            Messages = hasMessages ? messages.GetRawText() : null,
            NumTokens = ids?.Count ?? Count(root, "prompt_tokens"),
            OutputTokens = outputTokens ?? Count(root, "output_tokens") ?? DefaultOutputTokens,
            ArrivalTime = Arrival(root),
        };
    }

    private static int? Count(JsonElement root, string name) =>
        !root.TryGetProperty(name, out JsonElement value) ? null
        : value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int count) && count > 0 ? count
        : throw new FormatException($"'{name}' must be a whole number of at least 1, not {value.GetRawText()}");

    private static double? Arrival(JsonElement root) =>
        !root.TryGetProperty("arrival_time", out JsonElement value) ? null
        : value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double time) && double.IsFinite(time) ? time
        : throw new FormatException($"'arrival_time' must be a number of seconds, not {value.GetRawText()}");
}
