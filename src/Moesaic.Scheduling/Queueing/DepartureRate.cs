namespace Moesaic.Scheduling;

/// <summary>How fast the queue moves, as a moving average of the time between departures.</summary>
internal sealed class DepartureRate
{
    private const double Smoothing = 0.1;
    private static readonly TimeSpan Least = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Most = TimeSpan.FromSeconds(60);

    private TimeSpan _last;
    private double _interval = -1;

    /// <summary>A request has left the queue.</summary>
    public void Record(TimeSpan now, bool othersWait)
    {
        // While nobody waits, intervals measure the demand and not the speed.
        if (othersWait)
        {
            double interval = (now - _last).TotalSeconds;
            _interval = _interval < 0 ? interval : _interval + (Smoothing * (interval - _interval));
        }

        _last = now;
    }

    /// <summary>How long a queue of this length takes, between 1 s and 60 s; whole seconds.</summary>
    public TimeSpan Estimate(int waiting, TimeSpan now)
    {
        // A queue that has stopped moving is at least as slow as its present standstill.
        double interval = Math.Max(_interval, 0);
        if (_last > TimeSpan.Zero)
        {
            interval = Math.Max(interval, Smoothing * (now - _last).TotalSeconds);
        }

        double seconds = Math.Clamp(Math.Ceiling(interval * waiting), Least.TotalSeconds, Most.TotalSeconds);
        return TimeSpan.FromSeconds(seconds);
    }
}
