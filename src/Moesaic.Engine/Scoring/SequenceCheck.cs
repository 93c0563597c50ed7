namespace Moesaic.Engine;

/// <summary>Refuses token ids that a model cannot read.</summary>
internal static class SequenceCheck
{
    /// <param name="sequences">Token ids.</param>
    /// <param name="name">What one is called in messages, such as Sequence.</param>
    /// <param name="maxTokens">Tokens of the longest that is possible.</param>
    /// <param name="vocabularySize">Ids that there are.</param>
    /// <exception cref="ArgumentException">A sequence is empty or holds an id that is no token.</exception>
    /// <exception cref="ContextExceededException">A sequence is longer than the context.</exception>
    public static void Require(IReadOnlyList<int[]> sequences, string name, int maxTokens, int vocabularySize)
    {
        ArgumentNullException.ThrowIfNull(sequences);
        for (int s = 0; s < sequences.Count; s++)
        {
            if (sequences[s].Length == 0)
            {
                throw new ArgumentException($"{name} {s} has no tokens.", nameof(sequences));
            }

            if (sequences[s].Length > maxTokens)
            {
                throw new ContextExceededException(sequences[s].Length, maxTokens);
            }

            foreach (int id in sequences[s])
            {
                if (id < 0 || id >= vocabularySize)
                {
                    throw new ArgumentException($"{name} {s} holds the id {id}; expected 0 to {vocabularySize - 1}.", nameof(sequences));
                }
            }
        }
    }
}
