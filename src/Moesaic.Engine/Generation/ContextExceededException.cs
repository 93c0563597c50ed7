namespace Moesaic.Engine;

/// <summary>A prompt does not fit the context.</summary>
public sealed class ContextExceededException(int numTokens, int maxContext)
    : Exception($"The prompt has {numTokens} tokens, but the context holds {maxContext}; shorten the prompt or raise the context length if the model allows it.")
{
    public int NumTokens { get; } = numTokens;

    public int MaxContext { get; } = maxContext;
}
