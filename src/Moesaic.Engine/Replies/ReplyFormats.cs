using System.Collections.Immutable;
using static Moesaic.Engine.CallElement;

namespace Moesaic.Engine;

/// <summary>The families' formats. To add one, see src/recipes/add-a-reply-format.md.</summary>
internal static class ReplyFormats
{
    private const string CallsBegin = "<｜tool▁calls▁begin｜>", CallsEnd = "<｜tool▁calls▁end｜>";
    private const string CallBegin = "<｜tool▁call▁begin｜>", CallEnd = "<｜tool▁call▁end｜>", CallSeparator = "<｜tool▁sep｜>";

    private static readonly ImmutableArray<CallPattern> s_tagged = [new("<tool_call>", Space, Call, Space, "</tool_call>")];

    /// <summary>In the order in which a template is compared with their signs.</summary>
    public static ImmutableArray<ReplyFormatDescription> All { get; } =
    [
        new("deepseek")
        {
            // V3 and R1 write a type, a name and a fenced block; V3.1 name and arguments.
            Calls =
            [
                new(CallsBegin, Space, CallBegin, Skipped, CallSeparator, Name, "\n", "```json", Space, Arguments, Space, "```", Space, CallEnd),
                new(CallBegin, Skipped, CallSeparator, Name, "\n", "```json", Space, Arguments, Space, "```", Space, CallEnd),
                new(CallsBegin, Space, CallBegin, Name, CallSeparator, Space, Arguments, Space, CallEnd),
                new(CallBegin, Name, CallSeparator, Space, Arguments, Space, CallEnd),
            ],
            Trailer = CallsEnd,
            TemplateSigns = [CallsBegin, "<｜Assistant｜>"],
            Architectures = ["deepseek"],
        },
        new("mistral")
        {
            ReasoningOpen = "[THINK]",
            ReasoningClose = "[/THINK]",
            // A list of calls up to tokenizer version 7, then name and arguments, with the id between them in some.
            Calls =
            [
                new("[TOOL_CALLS]", Space, Calls),
                new("[TOOL_CALLS]", Name, "[CALL_ID]", Id, "[ARGS]", Space, Arguments),
                new("[TOOL_CALLS]", Name, "[ARGS]", Space, Arguments),
            ],
            Ids = ToolIdForm.NineCharacters,
            HasSpecialMarkers = true,
            TemplateSigns = ["[TOOL_CALLS]", "[AVAILABLE_TOOLS]"],
            Architectures = ["mistral", "mixtral"],
        },
        new("ling")
        {
            Calls = s_tagged,
            TemplateSigns = ["<role>ASSISTANT</role>"],
            Architectures = ["bailing"],
        },
        new("plain")
        {
            // Calls written as XML with a tag for each argument (Qwen3-Coder, GLM 4.5, MiniMax) are not read; they stay text.
            TemplateSigns = ["<function=", "<arg_key>", "<invoke name="],
        },
        new("qwen")
        {
            Calls = s_tagged,
            TemplateSigns = ["<tool_call>"],
            Architectures = ["qwen"],
        },
        new("llama3")
        {
            Calls =
            [
                new("<|python_tag|>", Space, Call),
                new(CallPlace.Beginning, [Call]),
                new(CallPlace.AfterCall, [";", Space, Call]),
            ],
            HasSpecialMarkers = true,
            TemplateSigns = ["<|python_tag|>", "<|start_header_id|>"],
        },
        new("hermes") { Calls = s_tagged },
    ];

    /// <summary>For a model that gives no sign: most fine-tunes with tools learned this form.</summary>
    public static ReplyFormatDescription Default => ByName("hermes")!;

    public static ReplyFormatDescription? ByName(string name) => All.FirstOrDefault(format => format.Name == name);

    /// <summary>The family of a model, by its template first and its architecture second.</summary>
    public static ReplyFormatDescription Of(string? template, string architecture) =>
        All.FirstOrDefault(format => template is not null && format.TemplateSigns.Any(sign => template.Contains(sign, StringComparison.Ordinal)))
        ?? All.FirstOrDefault(format => format.Architectures.Any(prefix => architecture.StartsWith(prefix, StringComparison.OrdinalIgnoreCase)))
        ?? Default;
}
