namespace Moesaic.Models.Tokenizers.PreTokenizers;

/// <summary>Splits text into the pieces that the model sees. Immutable and thread-safe.</summary>
internal abstract class PreTokenizer
{
    /// <summary>Appends the pieces of one stretch of text; empty pieces are dropped by the caller.</summary>
    public abstract void Split(Segment segment, List<Segment> pieces);

    /// <summary>Splits every segment that is text and leaves out empty pieces.</summary>
    public void Apply(ref List<Segment> segments, ref List<Segment> spare)
    {
        spare.Clear();
        foreach (Segment segment in segments)
        {
            if (segment.Id >= 0)
            {
                spare.Add(segment);
                continue;
            }

            int first = spare.Count;
            Split(segment, spare);
            int kept = first;
            for (int i = first; i < spare.Count; i++)
            {
                if (spare[i].Length > 0)
                {
                    spare[kept++] = spare[i];
                }
            }

            spare.RemoveRange(kept, spare.Count - kept);
        }

        (segments, spare) = (spare, segments);
    }
}

/// <summary>What becomes of the matches of a splitting pattern.</summary>
internal enum SplitBehavior
{
    Removed,
    Isolated,
    MergedWithPrevious,
    MergedWithNext,
    Contiguous,
}
