using System.Globalization;
using System.Text.Json;

namespace Moesaic.Models.ChatTemplates;

/// <summary>What a chat template is rendered with: the variables transformers gives it.</summary>
public sealed record ChatTemplateInputs
{
    private static readonly HashSet<string> Reserved =
        ["messages", "tools", "documents", "add_generation_prompt", "enable_thinking", "bos_token", "eos_token", "unk_token", "pad_token"];

    /// <summary>A list of dicts, each with role and content at least.</summary>
    public ChatTemplateValue Messages { get; init; } = ChatTemplateValue.From(Array.Empty<ChatTemplateValue>());

    /// <summary>A list of JSON schemas, or None.</summary>
    public ChatTemplateValue Tools { get; init; } = ChatTemplateValue.None;

    /// <summary>A list of dicts, or None.</summary>
    public ChatTemplateValue Documents { get; init; } = ChatTemplateValue.None;

    public bool AddGenerationPrompt { get; init; }

    /// <summary>Not defined for the template when null.</summary>
    public bool? EnableThinking { get; init; }

    /// <summary>Special tokens; those that are null are not defined for the template.</summary>
    public string? BosToken { get; init; }

    public string? EosToken { get; init; }

    public string? UnkToken { get; init; }

    public string? PadToken { get; init; }

    /// <summary>The time strftime_now tells, without a zone.</summary>
    public DateTime Now { get; init; } = DateTime.Now;

    /// <summary>Further variables by name; a name of one of the properties above is refused.</summary>
    public IReadOnlyDictionary<string, ChatTemplateValue> Extra { get; init; } = new Dictionary<string, ChatTemplateValue>();

    /// <summary>
    /// Inputs from a JSON object: messages, tools, documents, add_generation_prompt, enable_thinking, the special tokens
    /// (bos_token and so on) and now (an ISO 8601 time); every further member becomes a variable.
    /// </summary>
    /// <param name="element">The object.</param>
    /// <param name="now">The time when the object has none.</param>
    /// <exception cref="FormatException">The element is no object, or a member has the wrong type.</exception>
    public static ChatTemplateInputs FromJson(JsonElement element, DateTime now)
    {
        if (element.ValueKind != JsonValueKind.Object)
        {
            throw new FormatException($"the inputs of a chat template are a JSON object, not {Kind(element)}");
        }

        if (!element.TryGetProperty("messages", out JsonElement messages) || messages.ValueKind != JsonValueKind.Array)
        {
            throw new FormatException("the inputs of a chat template need a member 'messages' that is an array");
        }

        Dictionary<string, ChatTemplateValue> extra = [];
        foreach (JsonProperty property in element.EnumerateObject())
        {
            if (!Reserved.Contains(property.Name) && property.Name != "now")
            {
                extra[property.Name] = ChatTemplateValue.FromJson(property.Value);
            }
        }

        return new ChatTemplateInputs
        {
            Messages = ChatTemplateValue.FromJson(messages),
            Tools = Value(element, "tools"),
            Documents = Value(element, "documents"),
            AddGenerationPrompt = Flag(element, "add_generation_prompt") ?? false,
            EnableThinking = Flag(element, "enable_thinking"),
            BosToken = Text(element, "bos_token"),
            EosToken = Text(element, "eos_token"),
            UnkToken = Text(element, "unk_token"),
            PadToken = Text(element, "pad_token"),
            Now = Time(element) ?? now,
            Extra = extra,
        };
    }

    internal IEnumerable<KeyValuePair<string, ChatTemplateValue>> Variables()
    {
        foreach ((string name, ChatTemplateValue value) in Extra)
        {
            yield return Reserved.Contains(name)
                ? throw new ArgumentException($"the variable '{name}' has a property of its own and cannot be an extra one")
                : new(name, value);
        }

        yield return new("messages", Messages);
        yield return new("tools", Tools);
        yield return new("documents", Documents);
        yield return new("add_generation_prompt", ChatTemplateValue.From(AddGenerationPrompt));
        if (EnableThinking is bool thinking)
        {
            yield return new("enable_thinking", ChatTemplateValue.From(thinking));
        }

        (string, string?)[] tokens = [("bos_token", BosToken), ("eos_token", EosToken), ("unk_token", UnkToken), ("pad_token", PadToken)];
        foreach ((string name, string? token) in tokens)
        {
            if (token is not null)
            {
                yield return new(name, ChatTemplateValue.From(token));
            }
        }
    }

    private static ChatTemplateValue Value(JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement value) ? ChatTemplateValue.FromJson(value) : ChatTemplateValue.None;

    private static bool? Flag(JsonElement element, string name) => !element.TryGetProperty(name, out JsonElement value) ? null : value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.Null => null,
        _ => throw new FormatException($"'{name}' must be true or false, not {Kind(value)}"),
    };

    private static string? Text(JsonElement element, string name) => !element.TryGetProperty(name, out JsonElement value) ? null : value.ValueKind switch
    {
        JsonValueKind.String => ChatTemplateValue.FromJson(value).AsText(),
        JsonValueKind.Null => null,
        _ => throw new FormatException($"'{name}' must be a string, not {Kind(value)}"),
    };

    private static DateTime? Time(JsonElement element)
    {
        if (Text(element, "now") is not { } text)
        {
            return null;
        }

        // The wall time as written: strftime_now knows no zones, so an offset is dropped, not applied.
        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time)
            ? time.DateTime
            : throw new FormatException($"'now' must be an ISO 8601 time such as 2026-11-22T12:00:00, not '{text}'");
    }

    private static string Kind(JsonElement element) => element.ValueKind.ToString().ToLowerInvariant();
}
