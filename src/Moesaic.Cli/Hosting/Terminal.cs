using System.Text;
using Spectre.Console;

namespace Moesaic.Cli.Hosting;

/// <summary>The program's standard streams, as UTF-8 whatever the environment says.</summary>
internal sealed class Terminal : IDisposable
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);

    private readonly StreamWriter _output = new(Console.OpenStandardOutput(), Utf8, 16 * 1024);
    private readonly StreamWriter _error = new(Console.OpenStandardError(), Utf8, 1024) { AutoFlush = true };
    private readonly Lazy<StreamReader> _input = new(() => new StreamReader(Console.OpenStandardInput(), Utf8));

    /// <summary>Buffered standard output: results only.</summary>
    public TextWriter Output => _output;

    /// <summary>Standard error: messages and progress.</summary>
    public TextWriter Error => _error;

    /// <summary>Whether a person looks at standard output.</summary>
    public static bool IsInteractive => !Console.IsOutputRedirected;

    /// <summary>Whether a person looks at standard error.</summary>
    public static bool IsErrorInteractive => !Console.IsErrorRedirected;

    /// <summary>Whether standard input is a file or a pipe rather than a keyboard.</summary>
    public static bool HasPipedInput => Console.IsInputRedirected;

    /// <summary>A console for tables and progress bars on standard output.</summary>
    public IAnsiConsole Rich() => AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(_output) });

    /// <summary>The next line of standard input, or null at its end; ends early when cancelled.</summary>
    public async ValueTask<string?> ReadLineAsync(CancellationToken cancellationToken) =>
        // A read that waits for a keyboard or pipe cannot be called back; it is abandoned to its background thread.
        await Task.Run(() => _input.Value.ReadLine(), cancellationToken).WaitAsync(cancellationToken).ConfigureAwait(false);

    /// <summary>All of standard input.</summary>
    public async Task<string> ReadAllAsync(CancellationToken cancellationToken) =>
        await Task.Run(() => _input.Value.ReadToEnd(), cancellationToken).WaitAsync(cancellationToken).ConfigureAwait(false);

    /// <summary>One line on standard error, after the program's name.</summary>
    public void Fail(string message) =>
        _error.WriteLine("moesaic: " + message.ReplaceLineEndings(" "));

    public void Flush()
    {
        try
        {
            _output.Flush();
        }
        catch (IOException)
        {
            // Nobody reads the output any more; what ended the program is reported on standard error.
        }
    }

    public void Dispose() => Flush();
}
