using System.Text;

namespace Moesaic.Engine.Tests;

/// <summary>A parsed reply as one text: kinds in brackets, neighbours of the same kind joined.</summary>
internal static class Reply
{
    public static string Parse(string format, string text, ReplyParserOptions? options = null, IEnumerable<int>? cuts = null) =>
        Parse(ReplyFormat.ByName(format), text, options, cuts);

    public static string Parse(ReplyFormat format, string text, ReplyParserOptions? options = null, IEnumerable<int>? cuts = null)
    {
        ReplyParser parser = format.CreateParser((options ?? new ReplyParserOptions { Tools = true }) with { IdSeed = 1 });
        List<ReplyPart> parts = [];
        int from = 0;
        foreach (int cut in cuts ?? [])
        {
            parser.Push(text[from..cut], parts);
            from = cut;
        }

        parser.Push(text[from..], parts);
        parser.Finish(parts);
        return Describe(parts);
    }

    public static string Describe(IEnumerable<ReplyPart> parts)
    {
        StringBuilder result = new();
        ReplyPartKind? last = null;
        foreach (ReplyPart part in parts)
        {
            if (part.Kind is ReplyPartKind.Content or ReplyPartKind.Reasoning)
            {
                _ = part.Text.Length > 0 ? 0 : throw new AssertionException("A part of text is empty.");
                result.Append(part.Kind == last ? "" : part.Kind == ReplyPartKind.Content ? "[content]" : "[reasoning]").Append(part.Text);
            }
            else
            {
                result.Append(part.Kind switch
                {
                    ReplyPartKind.ToolCallBegin => $"[call {part.ToolIndex} {part.ToolName} {part.ToolId}]",
                    ReplyPartKind.ToolCallArguments => part.Text,
                    _ => "[end]",
                });
            }

            last = part.Kind;
        }

        return result.ToString();
    }
}
