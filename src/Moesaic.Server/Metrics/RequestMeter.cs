using System.Diagnostics;

namespace Moesaic.Server.Metrics;

/// <summary>Times one request of a model. One thread at a time.</summary>
/// <param name="metrics">Where it is counted.</param>
/// <param name="numSamples">Samples that it draws.</param>
internal sealed class RequestMeter(ModelMetrics metrics, int numSamples)
{
    private readonly long _started = Stopwatch.GetTimestamp();
    private readonly long[] _last = new long[numSamples];
    private long _first;
    private long _latest;
    private long _numTokens;
    private bool _isFinished;

    /// <summary>Time of the first token since the request began; null: there was none.</summary>
    public TimeSpan? TimeToFirstToken => _first == 0 ? null : Stopwatch.GetElapsedTime(_started, _first);

    /// <summary>A token of a sample arrived.</summary>
    public void Token(int sample = 0)
    {
        long now = Stopwatch.GetTimestamp();
        if (_first == 0)
        {
            _first = now;
            metrics.TimeToFirstToken.Observe(Seconds(_started, now));
        }

        if (_last[sample] != 0)
        {
            metrics.InterTokenLatency.Observe(Seconds(_last[sample], now));
        }

        _last[sample] = now;
        _latest = now;
        _numTokens++;
    }

    /// <summary>It ended, well or not. Only the first call counts.</summary>
    /// <param name="finish">One of <see cref="FinishLabels"/>.</param>
    /// <param name="queued">How long it waited until it first ran; null: it never ran or nobody knows.</param>
    public void Finish(string finish, TimeSpan? queued = null)
    {
        if (_isFinished)
        {
            return;
        }

        _isFinished = true;
        metrics.CountFinish(finish);
        double total = Seconds(_started, Stopwatch.GetTimestamp());
        metrics.EndToEnd.Observe(total);
        if (queued is { TotalSeconds: var wait })
        {
            metrics.QueueTime.Observe(wait);
            metrics.InferenceTime.Observe(Math.Max(0, total - wait));
            if (_first != 0)
            {
                metrics.PrefillTime.Observe(Math.Max(0, Seconds(_started, _first) - wait));
            }
        }

        if (_first != 0)
        {
            double decode = Seconds(_first, _latest);
            metrics.DecodeTime.Observe(decode);
            if (_numTokens > numSamples)
            {
                metrics.TimePerOutputToken.Observe(decode / (_numTokens - numSamples) * numSamples);
            }
        }
    }

    private static double Seconds(long from, long to) => Stopwatch.GetElapsedTime(from, to).TotalSeconds;
}
