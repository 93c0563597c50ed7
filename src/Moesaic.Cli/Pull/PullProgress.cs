using System.Globalization;
using Moesaic.Cli.Hosting;

namespace Moesaic.Cli.Pull;

/// <summary>How far a pull is, on standard error where a person looks at it: bytes, share, rate and time left; gone when disposed.</summary>
internal sealed class PullProgress(Terminal? terminal, TimeProvider clock) : IDisposable
{
    private const int Width = 24;
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan s_window = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly Queue<(long Time, long Bytes)> _recent = new();
    private long _drawn;
    private int _width;
    private long _done;
    private long _transferred;

    /// <summary>Bytes of all files; set before any is counted.</summary>
    public long Total { get; set; }

    /// <summary>Bytes that came over the network.</summary>
    public long Transferred => Interlocked.Read(ref _transferred);

    /// <summary>Counts bytes that are there now, or, below 0, were thrown away.</summary>
    /// <param name="bytes">How many.</param>
    /// <param name="isTransfer">Whether they came over the network just now.</param>
    public void Add(long bytes, bool isTransfer)
    {
        lock (_gate)
        {
            _done += bytes;
            _transferred += isTransfer ? bytes : 0;
            if (terminal is not null && Terminal.IsErrorInteractive && (_drawn == 0 || clock.GetElapsedTime(_drawn) >= s_pause))
            {
                Draw(terminal);
            }
        }
    }

    /// <summary>A line that stays.</summary>
    public void Say(string message)
    {
        lock (_gate)
        {
            Clear();
            terminal?.Fail(message);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            Clear();
        }
    }

    /// <summary>The line for a state.</summary>
    /// <param name="done">Bytes that are there.</param>
    /// <param name="total">Bytes of all files.</param>
    /// <param name="rate">Bytes a second; 0: not known.</param>
    public static string Line(long done, long total, double rate)
    {
        double share = total == 0 ? 1 : Math.Clamp((double)done / total, 0, 1);
        int filled = (int)(Width * share);
        string speed = rate > 0 ? $", {Bytes((long)rate)}/s, {Time((total - done) / rate)} left" : "";
        return string.Create(CultureInfo.InvariantCulture, $"[{new string('#', filled)}{new string('.', Width - filled)}] {(int)(100 * share),3}%  {Bytes(done)} of {Bytes(total)}{speed}");
    }

    /// <summary>A number of bytes for people.</summary>
    public static string Bytes(long bytes) => bytes switch
    {
        >= 1L << 30 => string.Create(CultureInfo.InvariantCulture, $"{(double)bytes / (1L << 30):0.00} GiB"),
        >= 1L << 20 => string.Create(CultureInfo.InvariantCulture, $"{(double)bytes / (1L << 20):0.0} MiB"),
        >= 1L << 10 => string.Create(CultureInfo.InvariantCulture, $"{(double)bytes / (1L << 10):0} KiB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes} B"),
    };

    private static string Time(double seconds) => seconds switch
    {
        < 90 => string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(seconds):0} s"),
        < 5400 => string.Create(CultureInfo.InvariantCulture, $"{seconds / 60:0} min"),
        < 360_000 => string.Create(CultureInfo.InvariantCulture, $"{seconds / 3600:0.0} h"),
        _ => "very long",
    };

    private void Draw(Terminal screen)
    {
        _drawn = clock.GetTimestamp();
        _recent.Enqueue((_drawn, _transferred));
        while (_recent.Count > 2 && clock.GetElapsedTime(_recent.Peek().Time, _drawn) > s_window)
        {
            _recent.Dequeue();
        }

        (long time, long bytes) = _recent.Peek();
        TimeSpan span = clock.GetElapsedTime(time, _drawn);
        string line = Line(_done, Total, span > TimeSpan.Zero ? (_transferred - bytes) / span.TotalSeconds : 0);
        screen.Draw("\r" + line.PadRight(_width));
        _width = line.Length;
    }

    private void Clear()
    {
        if (_width > 0)
        {
            terminal?.Draw("\r" + new string(' ', _width) + "\r");
            _width = 0;
        }
    }
}
