using Moesaic.Models.ChatTemplates;

namespace Moesaic.Engine;

/// <summary>A conversation to answer, as a model's chat template takes it.</summary>
public sealed record ChatPrompt
{
    /// <summary>The turns, oldest first.</summary>
    public required IReadOnlyList<ChatTurn> Turns { get; init; }

    /// <summary>Tools in the shape of OpenAI's API (<see cref="ChatTool.Function"/>). A template that knows no tools does not tell the model of them.</summary>
    public IReadOnlyList<ChatTemplateValue> Tools { get; init; } = [];

    /// <summary>End where the assistant's answer begins.</summary>
    public bool AddGenerationPrompt { get; init; } = true;

    /// <summary>End inside the last turn, so that the model goes on with it; needs <see cref="AddGenerationPrompt"/> to be false.</summary>
    public bool ContinueFinalMessage { get; init; }

    /// <summary>The template's <c>enable_thinking</c>; null: the template's own choice.</summary>
    public bool? EnableThinking { get; init; }

    /// <summary>Further variables for the template, by name.</summary>
    public IReadOnlyDictionary<string, ChatTemplateValue> Variables { get; init; } = new Dictionary<string, ChatTemplateValue>();
}
