using System.Collections.Immutable;
using System.Text;
using Moesaic.Engine;

namespace Moesaic.Cli.Verbs;

/// <summary>What a generation gave so far.</summary>
internal sealed class Answer(IReadOnlyList<int> prompt)
{
    private readonly StringBuilder _text = new();
    private readonly List<int> _ids = [];
    private readonly List<(GeneratedToken Token, ImmutableArray<TokenAlternative> Top)> _tokens = [];

    public IReadOnlyList<int> Prompt { get; } = prompt;

    public string Text => _text.ToString();

    /// <summary>All tokens drawn, a final end token included.</summary>
    public IReadOnlyList<int> Ids => _ids;

    public IReadOnlyList<(GeneratedToken Token, ImmutableArray<TokenAlternative> Top)> Tokens => _tokens;

    public FinishReason Finish { get; private set; }

    public GenerationTimings Timings { get; set; }

    /// <summary>Why it ended, as programs read it.</summary>
    public string FinishName => Finish switch
    {
        FinishReason.StopId or FinishReason.StopString => "stop",
        FinishReason.Cancelled => "cancelled",
        _ => "length",
    };

    public void Add(GenerationEvent step)
    {
        _text.Append(step.Text);
        Finish = step.Finish;
        if (step.Token is { } token)
        {
            _ids.Add(token.Id);
            _tokens.Add((token, step.Alternatives));
        }
    }
}
