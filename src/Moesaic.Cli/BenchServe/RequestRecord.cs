namespace Moesaic.Cli.BenchServe;

/// <summary>
/// What was observed of one request. Times are seconds since the start of the run. A token event is an event of the stream that
/// carries a piece of the answer; it may hold several tokens.
/// </summary>
internal sealed class RequestRecord
{
    private readonly List<double> _eventTimes;

    /// <param name="index">Place in the order of sending.</param>
    /// <param name="due">When it was to be sent.</param>
    /// <param name="expectedTokens">How many token events to make room for, so that none is made while it runs.</param>
    public RequestRecord(int index, double due, int expectedTokens)
    {
        Index = index;
        Due = due;
        _eventTimes = new List<double>(Math.Clamp(expectedTokens, 0, 1 << 16) + 1);
    }

    public int Index { get; }

    public double Due { get; }

    /// <summary>When its sending began.</summary>
    public double Start { get; set; }

    /// <summary>When its last event was there, or its failure.</summary>
    public double End { get; set; }

    /// <summary>When each token event was there, ascending.</summary>
    public IReadOnlyList<double> EventTimes => _eventTimes;

    public int PromptTokens { get; set; }

    public int OutputTokens { get; set; }

    /// <summary>Whether the host told the number of generated tokens; else the events are counted.</summary>
    public bool HasUsage { get; set; }

    /// <summary>Why it failed; null when it did not.</summary>
    public string? Error { get; set; }

    public bool IsSuccess => Error is null;

    /// <summary>Seconds to the first piece of the answer; those to the end where the answer is empty.</summary>
    public double TimeToFirstToken => (_eventTimes.Count > 0 ? _eventTimes[0] : End) - Start;

    /// <summary>Seconds to the last piece of the answer.</summary>
    public double Latency => (_eventTimes.Count > 0 ? _eventTimes[^1] : End) - Start;

    /// <summary>Seconds of each token after the first: (latency - time to first token) / (tokens - 1); NaN for a single token.</summary>
    public double TimePerOutputToken => OutputTokens > 1 ? (Latency - TimeToFirstToken) / (OutputTokens - 1) : double.NaN;

    /// <summary>Pauses between token events, in seconds.</summary>
    public IEnumerable<double> InterTokenLatencies
    {
        get
        {
            for (int i = 1; i < _eventTimes.Count; i++)
            {
                yield return _eventTimes[i] - _eventTimes[i - 1];
            }
        }
    }

    public void AddEvent(double time) => _eventTimes.Add(time);
}
