using Moesaic.Engine;
using Moesaic.Models.ChatTemplates;
using Moesaic.Server.Json;

namespace Moesaic.Server.OpenAi;

/// <summary>Reads a conversation with all that shapes its rendering.</summary>
internal static class TemplateFields
{
    /// <exception cref="Errors.ApiException">400.</exception>
    public static ChatPrompt Read(JsonFields body, IReadOnlyList<ChatTemplateValue> tools)
    {
        body.Refuse("chat_template", "templates come with the model, never with a request");
        body.Refuse("documents", "put documents into a message");
        body.Refuse("mm_processor_kwargs", "only text is done here");
        bool continues = body.Find("continue_final_message")?.Flag() ?? false;
        JsonField? generation = body.Find("add_generation_prompt");
        bool adds = generation?.Flag() ?? !continues;
        if (adds && continues)
        {
            throw generation!.Value.Invalid("it cannot be true together with continue_final_message");
        }

        if (body.Find("add_special_tokens") is { } special && special.Flag())
        {
            throw special.NotSupported("the chat template writes the special tokens");
        }

        return ReadVariables(body, body.Find("reasoning_effort")?.OneOf("none", "minimal", "low", "medium", "high", "xhigh")) with
        {
            Turns = MessageReader.Read(body.Require("messages")),
            Tools = tools,
            AddGenerationPrompt = adds,
            ContinueFinalMessage = continues,
        };
    }

    /// <summary>A conversation without turns that has only the template's variables.</summary>
    /// <param name="body">The request's fields.</param>
    /// <param name="effort">How much the model is to think, as the request said; null: it did not.</param>
    public static ChatPrompt ReadVariables(JsonFields body, string? effort)
    {
        Dictionary<string, ChatTemplateValue> variables = new(StringComparer.Ordinal);
        bool? thinking = ReadVariables(body.Find("chat_template_kwargs"), variables);
        if (effort is not null)
        {
            thinking = effort == "none" ? false : thinking;
            variables.TryAdd("reasoning_effort", ChatTemplateValue.From(effort));
        }

        return new ChatPrompt { Turns = [], EnableThinking = thinking, Variables = variables };
    }

    private static bool? ReadVariables(JsonField? field, Dictionary<string, ChatTemplateValue> variables)
    {
        bool? thinking = null;
        if (field is not { } map)
        {
            return thinking;
        }

        foreach ((string name, JsonField value) in map.Entries(RequestLimits.MaxTemplateVariables))
        {
            switch (name)
            {
                case "enable_thinking":
                    thinking = value.Flag();
                    break;
                case "messages" or "tools" or "documents" or "add_generation_prompt" or "continue_final_message" or "chat_template"
                    or "bos_token" or "eos_token" or "unk_token" or "pad_token":
                    throw value.Invalid("this variable belongs to the template's own; it cannot be set here");
                default:
                    variables.Add(name, Value(value));
                    break;
            }
        }

        return thinking;
    }

    private static ChatTemplateValue Value(JsonField field)
    {
        try
        {
            return ChatTemplateValue.FromJson(field.Json);
        }
        catch (FormatException e)
        {
            throw field.Invalid(e.Message);
        }
    }
}
