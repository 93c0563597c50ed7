using System.Text;
using Moesaic.Cli.Input;
using Moesaic.Cli.Output;
using Spectre.Console;

namespace Moesaic.Cli.Hosting;

/// <summary>The program's standard streams, as UTF-8 whatever the environment says.</summary>
internal sealed class Terminal : IDisposable
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);

    private readonly StreamWriter _output = new(OutputStream.Output(), Utf8, 16 * 1024);
    private readonly StreamWriter _error = new(new ErrorStream(OutputStream.Error()), Utf8, 1024) { AutoFlush = true };

    // Only when it is read: the runtime prepares a terminal for it.
    private readonly Lazy<LineReader> _input = new(() => new LineReader(StandardInput.Open()));

    public Terminal()
    {
        Output = IsInteractive ? new TerminalWriter(_output) : _output;
        Error = IsErrorInteractive ? new TerminalWriter(_error) : _error;
    }

    /// <summary>Buffered standard output: results only. A person sees control characters written out, a program gets what there is.</summary>
    public TextWriter Output { get; }

    /// <summary>Standard error: messages.</summary>
    public TextWriter Error { get; }

    /// <summary>Whether a person looks at standard output.</summary>
    public static bool IsInteractive => !Console.IsOutputRedirected;

    /// <summary>Whether a person looks at standard error.</summary>
    public static bool IsErrorInteractive => !Console.IsErrorRedirected;

    /// <summary>Whether standard input is a file or a pipe rather than a keyboard.</summary>
    public static bool HasPipedInput => !StandardInput.IsOpen || Console.IsInputRedirected;

    /// <summary>A console for tables on standard output. What is put in must have been made visible (<see cref="ControlText.Visible"/>).</summary>
    public IAnsiConsole Rich() => AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(_output) });

    /// <summary>Draws on the terminal that shows standard error.</summary>
    public void Draw(string text) => _error.Write(text);

    /// <summary>The next line of standard input, or null at its end; ends early when cancelled.</summary>
    /// <exception cref="FormatException">The line is not UTF-8; the next call gives the one after it.</exception>
    public async ValueTask<string?> ReadLineAsync(CancellationToken cancellationToken) =>
        // A read that waits for a keyboard or pipe cannot be called back; it is abandoned to its background thread.
        await Task.Run(() => _input.Value.ReadLine(), cancellationToken).WaitAsync(cancellationToken).ConfigureAwait(false);

    /// <summary>All of standard input.</summary>
    /// <exception cref="UsageException">It is not UTF-8, or too long.</exception>
    public async Task<string> ReadAllAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await Task.Run(() => _input.Value.ReadToEnd(), cancellationToken).WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (FormatException exception)
        {
            throw new UsageException(exception.Message);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"standard input cannot be read: {exception.Message}");
        }
    }

    /// <summary>One line on standard error, after the program's name.</summary>
    public void Fail(string message) => _error.WriteLine("moesaic: " + ControlText.Message(message));

    public void Flush()
    {
        try
        {
            _output.Flush();
        }
        catch (Exception exception) when (exception is IOException or OutputClosedException)
        {
            // Nobody reads the output any more; what ended the program is reported on standard error.
        }
    }

    public void Dispose() => Flush();
}
