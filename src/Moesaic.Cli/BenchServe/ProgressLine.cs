using System.Diagnostics;
using Moesaic.Cli.Hosting;

namespace Moesaic.Cli.BenchServe;

/// <summary>How many requests are over, on standard error where a person looks at it; gone when disposed.</summary>
internal sealed class ProgressLine(Terminal terminal, int total) : IDisposable
{
    // Drawing is work that the host under test does without.
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(250);

    private readonly Lock _gate = new();
    private int _done;
    private int _failed;
    private long _drawn;
    private int _width;

    public void Add(RequestRecord record)
    {
        if (!Terminal.IsErrorInteractive)
        {
            return;
        }

        lock (_gate)
        {
            _done++;
            _failed += record.IsSuccess ? 0 : 1;
            if (_drawn != 0 && Stopwatch.GetElapsedTime(_drawn) < s_pause)
            {
                return;
            }

            string line = $"{_done} of {total} requests" + (_failed == 0 ? "" : $", {_failed} failed");
            terminal.Draw("\r" + line.PadRight(_width));
            _width = line.Length;
            _drawn = Stopwatch.GetTimestamp();
        }
    }

    public void Dispose()
    {
        if (_width > 0)
        {
            terminal.Draw("\r" + new string(' ', _width) + "\r");
        }
    }
}
