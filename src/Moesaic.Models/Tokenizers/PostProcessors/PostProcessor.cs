namespace Moesaic.Models.Tokenizers.PostProcessors;

/// <summary>Puts special tokens around the ids of a text. Immutable and thread-safe.</summary>
internal abstract class PostProcessor
{
    /// <summary>Rewrites the ids from an index on.</summary>
    public abstract void Process(List<int> ids, int from, bool addSpecialTokens);
}

/// <summary>Fixed ids before and after the text.</summary>
internal sealed class SurroundPostProcessor(int[] before, int[] after) : PostProcessor
{
    public override void Process(List<int> ids, int from, bool addSpecialTokens)
    {
        if (addSpecialTokens)
        {
            ids.InsertRange(from, before);
            ids.AddRange(after);
        }
    }
}

/// <summary>A template of special tokens and places for the text; a template without a place drops the text.</summary>
/// <param name="parts">Ids of special tokens; null stands for the text.</param>
internal sealed class TemplatePostProcessor(IReadOnlyList<int[]?> parts) : PostProcessor
{
    public override void Process(List<int> ids, int from, bool addSpecialTokens)
    {
        int[] text = [.. System.Runtime.InteropServices.CollectionsMarshal.AsSpan(ids)[from..]];
        ids.RemoveRange(from, ids.Count - from);
        foreach (int[]? part in parts)
        {
            if (part is null)
            {
                ids.AddRange(text);
            }
            else if (addSpecialTokens)
            {
                ids.AddRange(part);
            }
        }
    }
}

/// <summary>Post-processors one after another.</summary>
internal sealed class SequencePostProcessor(IReadOnlyList<PostProcessor> parts) : PostProcessor
{
    public override void Process(List<int> ids, int from, bool addSpecialTokens)
    {
        foreach (PostProcessor part in parts)
        {
            part.Process(ids, from, addSpecialTokens);
        }
    }
}
