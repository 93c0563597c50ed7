using System.Diagnostics;
using Moesaic.Models.Decoder;

namespace Moesaic.Cli.Hosting;

/// <summary>How far a load or other long work is, on standard error where a person looks at it; gone when disposed. A quick load shows nothing.</summary>
internal sealed class LoadingBar(Terminal terminal, string doing = "loading") : IDisposable
{
    private const int Width = 30;
    private const int LineWidth = 64;
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(300);

    private readonly long _started = Stopwatch.GetTimestamp();
    private readonly Lock _gate = new();
    private int _percent = -1;

    public void Report(LoadProgress progress) => Report(progress.BytesDone, progress.BytesTotal);

    public void Report(long done, long total)
    {
        if (!Terminal.IsErrorInteractive || Stopwatch.GetElapsedTime(_started) < Patience)
        {
            return;
        }

        int percent = total == 0 ? 100 : (int)(100.0 * done / total);
        lock (_gate)
        {
            if (percent > _percent)
            {
                _percent = percent;
                int filled = Width * percent / 100;
                terminal.Draw($"\r{doing} [{new string('#', filled)}{new string('.', Width - filled)}] {percent,3}%");
            }
        }
    }

    /// <summary>A line that stays.</summary>
    public void Say(string message)
    {
        lock (_gate)
        {
            Clear();
            terminal.Fail(message);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            Clear();
        }
    }

    private void Clear()
    {
        if (_percent >= 0)
        {
            terminal.Draw("\r" + new string(' ', LineWidth) + "\r");
            _percent = -1;
        }
    }
}
