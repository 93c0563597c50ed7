using System.Collections.Immutable;

namespace Moesaic.Engine;

/// <summary>How a family writes its replies, as data; <see cref="ReplyFormats"/> has them all, one parser reads them.</summary>
internal sealed record ReplyFormatDescription(string Name)
{
    /// <summary>Begins the thinking; only where nothing of the answer has come yet.</summary>
    public string ReasoningOpen { get; init; } = "<think>";

    public string ReasoningClose { get; init; } = "</think>";

    /// <summary>Ways to write a call; several are followed at once, and the first in this order that is complete counts.</summary>
    public ImmutableArray<CallPattern> Calls { get; init; } = [];

    /// <summary>A text that may stand after the last call.</summary>
    public string? Trailer { get; init; }

    public ToolIdForm Ids { get; init; }

    /// <summary>Whether the family's published tokenizers have markers as special tokens; a model's own tokenizer decides where there is one.</summary>
    public bool HasSpecialMarkers { get; init; }

    /// <summary>Texts in a chat template by which the family is known: any of them.</summary>
    public ImmutableArray<string> TemplateSigns { get; init; } = [];

    /// <summary>Beginnings of architectures' names by which the family is known when the template says nothing.</summary>
    public ImmutableArray<string> Architectures { get; init; } = [];

    /// <summary>Every text with a meaning.</summary>
    public IEnumerable<string> Markers =>
        Calls.SelectMany(static call => call.Elements).Where(static element => element.Kind == CallElementKind.Literal).Select(static element => element.Text)
            .Concat(Trailer is null ? [] : [Trailer]).Append(ReasoningOpen).Append(ReasoningClose).Distinct();
}
