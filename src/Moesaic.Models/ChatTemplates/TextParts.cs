using Moesaic.Models.ChatTemplates.Values;

namespace Moesaic.Models.ChatTemplates;

/// <summary>Content given in parts, for templates that only take a string.</summary>
internal static class TextParts
{
    /// <summary>
    /// The messages with every content that is a list of {"type": "text", "text": ...} replaced by its texts, joined
    /// without a separator; null when there is no such content, or a part that is not text.
    /// </summary>
    public static ChatTemplateValue? TryJoin(ChatTemplateValue messages)
    {
        if (messages is not ListValue list)
        {
            return null;
        }

        bool any = false;
        List<ChatTemplateValue> joined = [];
        foreach (ChatTemplateValue message in list.Items)
        {
            if (message is not DictValue dict || !dict.TryGet(new StringValue("content"), out ChatTemplateValue? content)
                || content is not ListValue parts)
            {
                joined.Add(message);
                continue;
            }

            List<string> texts = [];
            foreach (ChatTemplateValue part in parts.Items)
            {
                if (TextOf(part) is not { } text)
                {
                    return null;
                }

                texts.Add(text);
            }

            DictValue copy = new();
            foreach ((ChatTemplateValue key, ChatTemplateValue value) in dict.Entries)
            {
                copy.Set(key, ReferenceEquals(value, content) ? new StringValue(string.Concat(texts)) : value);
            }

            joined.Add(copy);
            any = true;
        }

        return any ? new ListValue(joined) : null;
    }

    private static string? TextOf(ChatTemplateValue part) =>
        part is DictValue dict
        && dict.TryGet(new StringValue("type"), out ChatTemplateValue? type) && type.AsText() == "text"
        && dict.TryGet(new StringValue("text"), out ChatTemplateValue? text)
            ? text.AsText()
            : null;
}
