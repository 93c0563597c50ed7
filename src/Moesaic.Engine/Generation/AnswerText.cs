using Moesaic.Models.Tokenizers;

namespace Moesaic.Engine;

/// <summary>The text of an answer as its tokens come: decoded, without half characters, ended at stop strings.</summary>
internal sealed class AnswerText(StreamingDecoder decoder, SamplingParameters parameters, bool includeStopString = false)
{
    private readonly StopStringFilter _filter = new(parameters.StopStrings, includeStopString);
    private int _numTokens;

    /// <summary>Whether a stop string was found; no text follows it.</summary>
    public bool IsStopped => _filter.IsStopped;

    /// <summary>The stop string that was found.</summary>
    public string? MatchedStop => _filter.Matched;

    /// <summary>Takes a token and returns the text that is certain by now.</summary>
    public string Add(int id)
    {
        string piece = decoder.Append(id);
        return _numTokens++ < parameters.MinTokens ? piece : _filter.Push(piece);
    }

    /// <summary>What was held back, once no token follows; nothing after a stop string.</summary>
    public string Finish() => IsStopped ? string.Empty : _filter.Push(decoder.Flush()) + _filter.Flush();
}
