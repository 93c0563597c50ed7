using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;

namespace Moesaic.Server.Logging;

/// <summary>One line a message: time in UTC, level, category, text with control characters written out.</summary>
internal sealed class LineLoggerProvider(TextWriter writer, TimeProvider clock) : ILoggerProvider
{
    private readonly Lock _gate = new();

    public ILogger CreateLogger(string categoryName) => new LineLogger(this, categoryName);

    public void Dispose()
    {
        // The writer is somebody else's.
    }

    private void Write(LogLevel level, string category, string message, Exception? exception)
    {
        StringBuilder line = new();
        line.Append(CultureInfo.InvariantCulture, $"{clock.GetUtcNow():yyyy-MM-ddTHH:mm:ss.fffZ} {Word(level)} {category}: ");
        AppendVisible(line, message);
        if (exception is not null)
        {
            AppendVisible(line.Append(": "), exception.ToString());
        }

        lock (_gate)
        {
            try
            {
                writer.WriteLine(line);
                writer.Flush();
            }
            catch (Exception failure) when (failure is IOException or ObjectDisposedException)
            {
                // Nobody reads the log any more; requests go on.
            }
        }
    }

    private static string Word(LogLevel level) => level switch
    {
        LogLevel.Trace or LogLevel.Debug => "debug",
        LogLevel.Information => "info",
        LogLevel.Warning => "warn",
        _ => "error",
    };

    // A line break in a message could forge further lines.
    private static void AppendVisible(StringBuilder line, string text)
    {
        foreach (char c in text)
        {
            if (char.IsControl(c) || c is '\u2028' or '\u2029')
            {
                line.Append(c == '\n' ? "\\n" : string.Create(CultureInfo.InvariantCulture, $"\\x{(int)c:x2}"));
            }
            else
            {
                line.Append(c);
            }
        }
    }

    private sealed class LineLogger(LineLoggerProvider provider, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            provider.Write(logLevel, category, formatter(state, exception), exception);
    }
}
