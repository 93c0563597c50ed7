using System.Text.Json;
using Moesaic.Models.ChatTemplates;
using Moesaic.Models.Tokenizers;
using Value = Moesaic.Models.ChatTemplates.ChatTemplateValue;

namespace Moesaic.Engine;

/// <summary>Renders conversations with one template. Thread-safe.</summary>
internal sealed class ChatRenderer(ChatTemplate template, SpecialTokens special)
{
    // Private-use characters: no template looks for them, and no tokenizer's vocabulary is asked for them.
    private const string EndMark = "\uE000moesaic\uE001";
    private const string ProbedName = "probed_tool", ProbedKey = "probed_key", ProbedValue = "probed value";

    private readonly Lazy<ToolCallStyle> _style = new(() => Probe(template, special));

    /// <summary>Whether a conversation's tools reach the text; a template may know none.</summary>
    public bool ShowsTools => _showsTools.Value;

    private readonly Lazy<bool> _showsTools = new(() => ProbeTools(template, special));

    /// <exception cref="ChatTemplateException">The template refuses the conversation or fails on it.</exception>
    /// <exception cref="ArgumentException">The prompt contradicts itself.</exception>
    public string Render(ChatPrompt prompt)
    {
        if (!prompt.ContinueFinalMessage)
        {
            return Render(prompt, prompt.Turns);
        }

        if (prompt.AddGenerationPrompt)
        {
            throw new ArgumentException("A prompt either continues its last turn or begins a new answer; expected only one of ContinueFinalMessage and AddGenerationPrompt.", nameof(prompt));
        }

        if (prompt.Turns is not [.., { Content: { } content } last])
        {
            throw new ArgumentException("There is no text to continue; expected a last turn with content.", nameof(prompt));
        }

        string text = Render(prompt, [.. prompt.Turns.SkipLast(1), last with { Content = content + EndMark }]);
        int end = text.LastIndexOf(EndMark, StringComparison.Ordinal);
        return end >= 0 ? text[..end] : throw new ArgumentException("The model's chat template does not show the last turn as it is, so it cannot be continued.", nameof(prompt));
    }

    private string Render(ChatPrompt prompt, IReadOnlyList<ChatTurn> turns)
    {
        ToolCallStyle style = turns.Any(static turn => turn.ToolCalls.Count > 0) ? _style.Value : ToolCallStyle.Candidates[0];
        return template.Render(Inputs(special, turns.Select(turn => Message(turn, style)), prompt.Tools) with
        {
            AddGenerationPrompt = prompt.AddGenerationPrompt,
            EnableThinking = prompt.EnableThinking,
            Extra = prompt.Variables,
        });
    }

    private static ChatTemplateInputs Inputs(SpecialTokens special, IEnumerable<Value> messages, IReadOnlyList<Value> tools) => new()
    {
        Messages = Value.From(messages.ToArray()),
        Tools = tools.Count == 0 ? Value.None : Value.From(tools),
        BosToken = special.Bos,
        EosToken = special.Eos,
        UnkToken = special.Unknown,
        PadToken = special.Padding,
    };

    private static Value Message(ChatTurn turn, ToolCallStyle style)
    {
        List<KeyValuePair<string, Value>> message = [new("role", Value.From(turn.Role))];
        bool calls = turn.ToolCalls.Count > 0;
        if (calls && !style.IsRendered)
        {
            message.Add(new("content", Value.From(turn.Content + ToolCallText.Write(turn.ToolCalls, turn.Content))));
            calls = false;
        }
        else
        {
            bool absent = string.IsNullOrEmpty(turn.Content) && (calls || turn.Content is null);
            message.Add(new("content", absent && calls && style.NullContent ? Value.None : Value.From(turn.Content ?? string.Empty)));
        }

        if (turn.Reasoning is { } reasoning)
        {
            message.Add(new("reasoning_content", Value.From(reasoning)));
        }

        if (calls)
        {
            message.Add(new("tool_calls", Value.From(turn.ToolCalls.Select(call => Call(call, style)).ToArray())));
        }

        if (turn.ToolCallId is { } id)
        {
            message.Add(new("tool_call_id", Value.From(id)));
        }

        if (turn.Name is { } name)
        {
            message.Add(new("name", Value.From(name)));
        }

        return Value.From(message);
    }

    private static Value Call(ChatToolCall call, ToolCallStyle style) => Value.From(
    [
        KeyValuePair.Create("id", Value.From(call.Id)),
        KeyValuePair.Create("type", Value.From("function")),
        KeyValuePair.Create("function", Value.From(
        [
            KeyValuePair.Create("name", Value.From(call.Name)),
            KeyValuePair.Create("arguments", style.ArgumentsAsText ? Value.From(call.Arguments) : Arguments(call)),
        ])),
    ]);

    private static Value Arguments(ChatToolCall call)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(call.Arguments.Length == 0 ? "{}" : call.Arguments);
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? Value.FromJson(document.RootElement)
                : throw new ArgumentException($"The arguments of the call '{call.Id}' of '{call.Name}' are JSON of the kind {document.RootElement.ValueKind}; expected an object.");
        }
        catch (Exception exception) when (exception is JsonException or FormatException)
        {
            throw new ArgumentException($"The arguments of the call '{call.Id}' of '{call.Name}' are no JSON object: {exception.Message}", exception);
        }
    }

    // The first form in which name and arguments reach the text as JSON, not as a quoted string, and no None shows up.
    private static ToolCallStyle Probe(ChatTemplate template, SpecialTokens special)
    {
        ChatToolCall call = new("probe0000", ProbedName, $$"""{"{{ProbedKey}}": "{{ProbedValue}}"}""");
        ChatTurn[] turns = [new("user", "question"), new("assistant", null) { ToolCalls = [call] }, new("tool", "result") { ToolCallId = call.Id, Name = call.Name }];
        Value tool = ChatTool.Function(ProbedName, "A tool.", null);
        foreach (ToolCallStyle style in ToolCallStyle.Candidates)
        {
            foreach (bool withResult in (ReadOnlySpan<bool>)[true, false])
            {
                if (TryRender(template, Inputs(special, turns.Take(withResult ? 3 : 2).Select(turn => Message(turn, style)), [tool])) is { } text && Shows(text))
                {
                    return style;
                }
            }
        }

        return ToolCallStyle.AsText;

        static bool Shows(string text)
        {
            // The tool's own name is in its description too: what counts is the argument.
            return text.Contains(ProbedName, StringComparison.Ordinal)
                && text.Contains(ProbedValue, StringComparison.Ordinal)
                && text.Contains(ProbedKey, StringComparison.Ordinal)
                && !text.Contains("\\\"" + ProbedKey, StringComparison.Ordinal)
                && !text.Contains("None", StringComparison.Ordinal);
        }
    }

    private static bool ProbeTools(ChatTemplate template, SpecialTokens special)
    {
        Value tool = ChatTool.Function(ProbedName, "A tool.", null);
        return TryRender(template, Inputs(special, [Message(new ChatTurn("user", "question"), ToolCallStyle.AsText)], [tool]))?.Contains(ProbedName, StringComparison.Ordinal) ?? false;
    }

    private static string? TryRender(ChatTemplate template, ChatTemplateInputs inputs)
    {
        try
        {
            return template.Render(inputs);
        }
        catch (ChatTemplateException)
        {
            return null;
        }
    }
}
