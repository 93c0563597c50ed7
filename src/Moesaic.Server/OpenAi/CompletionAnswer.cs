using System.Text;

namespace Moesaic.Server.OpenAi;

/// <summary>A whole text completion, put together from the same steps that a stream shows.</summary>
internal sealed class CompletionAnswer
{
    public StringBuilder Text { get; } = new();

    /// <summary>Tokens with log-probabilities, those of a repeated prompt first; empty unless they are wanted.</summary>
    public List<TokenLogprob> Tokens { get; } = [];

    /// <summary>The tokens drawn.</summary>
    public List<int> Ids { get; } = [];
}
