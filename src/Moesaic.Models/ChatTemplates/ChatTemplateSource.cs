using System.Text.Json;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Checkpoints.Gguf;

namespace Moesaic.Models.ChatTemplates;

/// <summary>
/// The templates a checkpoint brings along, from wherever it keeps them. The first place that has any counts:
/// chat_template.jinja, chat_template.json, tokenizer_config.json, then a GGUF file's tokenizer.chat_template.
/// </summary>
public sealed class ChatTemplateSource
{
    private const string GgufKey = "tokenizer.chat_template";

    // tokenizer_config.json lists the added tokens too, which makes it long.
    private const long MaxFileBytes = 64 << 20;

    private readonly Dictionary<string, string> _templates;

    private ChatTemplateSource(string origin, Dictionary<string, string> templates)
    {
        Origin = origin;
        _templates = templates;
    }

    /// <summary>The file or field the templates come from, for error messages.</summary>
    public string Origin { get; }

    /// <summary>Template sources by name; a single one is called "default".</summary>
    public IReadOnlyDictionary<string, string> Templates => _templates;

    /// <summary>Finds the templates among the texts of files; null when none has any.</summary>
    /// <param name="jinja">Text of chat_template.jinja.</param>
    /// <param name="templateJson">Text of chat_template.json.</param>
    /// <param name="tokenizerConfig">Text of tokenizer_config.json.</param>
    /// <exception cref="FormatException">A place holds something that is no template.</exception>
    public static ChatTemplateSource? Find(string? jinja = null, string? templateJson = null, string? tokenizerConfig = null)
    {
        if (jinja is not null)
        {
            return new("chat_template.jinja", new() { ["default"] = jinja });
        }

        return FromJson("chat_template.json", templateJson)
            ?? FromJson("tokenizer_config.json", tokenizerConfig);
    }

    /// <summary>The templates of a Hugging Face folder; null when it has none.</summary>
    /// <exception cref="ModelFormatException">A file cannot be read, or holds something that is no template.</exception>
    public static ChatTemplateSource? InFolder(ModelFolder folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        try
        {
            return Find(Text(folder.ChatTemplate), Text(folder.ChatTemplateJson), Text(folder.TokenizerConfig));
        }
        catch (FormatException exception)
        {
            throw new ModelFormatException(folder.Path, "chat template", exception.Message, exception);
        }
    }

    /// <summary>The templates of a GGUF file: the unnamed one and named ones; null when it has none.</summary>
    public static ChatTemplateSource? InGguf(GgufMetadata metadata)
    {
        ArgumentNullException.ThrowIfNull(metadata);
        Dictionary<string, string> templates = [];
        foreach (string key in metadata.Keys)
        {
            string? name = key == GgufKey ? "default" : key.StartsWith(GgufKey + ".", StringComparison.Ordinal) ? key[(GgufKey.Length + 1)..] : null;
            if (name is not null && metadata.TryGetString(key, out string? template))
            {
                templates[name] = template;
            }
        }

        return templates.Count == 0 ? null : new(GgufKey, templates);
    }

    /// <summary>The one template of a Jinja file.</summary>
    /// <exception cref="ModelFormatException">The file cannot be read.</exception>
    public static ChatTemplateSource InFile(string path) => new(path, new() { ["default"] = BoundedFile.ReadAllText(path, MaxFileBytes) });

    /// <summary>The templates of a chat_template.json or tokenizer_config.json; null when it has none.</summary>
    /// <exception cref="FormatException">It holds something that is no template.</exception>
    /// <exception cref="ModelFormatException">The file cannot be read.</exception>
    public static ChatTemplateSource? InJsonFile(string path) => FromJson(path, Text(path));

    /// <summary>
    /// The template to use: the named one; else "tool_use" when there are tools and the checkpoint has it; else "default".
    /// </summary>
    /// <exception cref="FormatException">The checkpoint has no such template.</exception>
    public string Pick(bool hasTools = false, string? name = null)
    {
        if (name is null && hasTools && _templates.TryGetValue("tool_use", out string? toolUse))
        {
            return toolUse;
        }

        return _templates.TryGetValue(name ?? "default", out string? template)
            ? template
            : throw new FormatException(
                $"{Origin} has no chat template '{name ?? "default"}'; it has: {string.Join(", ", _templates.Keys.Order(StringComparer.Ordinal))}");
    }

    private static ChatTemplateSource? FromJson(string origin, string? json)
    {
        if (json is null)
        {
            return null;
        }

        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(json);
        }
        catch (JsonException exception)
        {
            throw new FormatException($"{origin} is not JSON: {exception.Message}", exception);
        }

        using (document)
        {
            if (document.RootElement.ValueKind != JsonValueKind.Object
                || !document.RootElement.TryGetProperty("chat_template", out JsonElement field)
                || field.ValueKind == JsonValueKind.Null)
            {
                return null;
            }

            return new(origin, field.ValueKind switch
            {
                JsonValueKind.String => new() { ["default"] = Text(origin, field) },
                JsonValueKind.Array => Named(origin, field),
                _ => throw new FormatException($"{origin}: chat_template must be a string or a list of named templates, not {field.ValueKind}"),
            });
        }
    }

    private static Dictionary<string, string> Named(string origin, JsonElement list)
    {
        Dictionary<string, string> templates = [];
        foreach (JsonElement entry in list.EnumerateArray())
        {
            if (entry.ValueKind != JsonValueKind.Object
                || !entry.TryGetProperty("name", out JsonElement name) || name.ValueKind != JsonValueKind.String
                || !entry.TryGetProperty("template", out JsonElement template) || template.ValueKind != JsonValueKind.String)
            {
                throw new FormatException($"{origin}: each entry of chat_template needs the strings 'name' and 'template'");
            }

            templates[Text(origin, name)] = Text(origin, template);
        }

        return templates;
    }

    private static string? Text(string? path) => path is null ? null : BoundedFile.ReadAllText(path, MaxFileBytes);

    private static string Text(string origin, JsonElement element) => ChatTemplateValue.FromJson(element).AsText()
        ?? throw new FormatException($"{origin}: chat_template is not text");
}
