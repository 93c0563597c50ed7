using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Moesaic.Cli.Tests;

/// <summary>
/// The built program while it runs. Every wait has a deadline, after which the program is ended and the test fails with what
/// was waited for and all that was printed. On Unix it starts with the default reaction to signals: a test run in the background
/// of a script ignores SIGINT, and what ignores a signal has children that do.
/// </summary>
internal sealed class RunningProgram : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    private readonly Process _process;
    private readonly Collector _output;
    private readonly Collector _error;

    private RunningProgram(Process process)
    {
        _process = process;
        _output = new Collector(process.StandardOutput);
        _error = new Collector(process.StandardError);
    }

    /// <summary>Folder of the built program.</summary>
    public static string Folder => AppContext.BaseDirectory;

    /// <summary>The runtime that the tests run on, for programs that look for one.</summary>
    public static string DotnetRoot { get; } =
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(typeof(object).Assembly.Location)!, "..", "..", ".."));

    public static RunningProgram Start(params string[] arguments) => StartFile(Path.Combine(Folder, ProgramName), arguments);

    /// <summary>Starts a copy of the program, or another program.</summary>
    public static RunningProgram StartFile(string file, params string[] arguments)
    {
        ProcessStartInfo start = OperatingSystem.IsWindows()
            ? new(file, arguments)
            : new("/usr/bin/env", ["--default-signal=INT,TERM", file, .. arguments]);
        start.RedirectStandardInput = start.RedirectStandardOutput = start.RedirectStandardError = true;
        start.StandardInputEncoding = new UTF8Encoding(false);
        start.StandardOutputEncoding = start.StandardErrorEncoding = Encoding.UTF8;
        start.WorkingDirectory = Path.GetPathRoot(Folder);
        start.Environment.Clear();
        start.Environment["DOTNET_ROOT"] = DotnetRoot;
        return new RunningProgram(Process.Start(start)!);
    }

    /// <summary>Name of the program's file.</summary>
    public static string ProgramName => OperatingSystem.IsWindows() ? "moesaic.exe" : "moesaic";

    /// <summary>Writes all of standard input and ends it.</summary>
    public void WriteInput(string text) => WriteInput(Encoding.UTF8.GetBytes(text));

    /// <inheritdoc cref="WriteInput(string)"/>
    public void WriteInput(ReadOnlySpan<byte> bytes)
    {
        try
        {
            _process.StandardInput.BaseStream.Write(bytes);
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended without reading its input.
        }
    }

    /// <summary>Writes a line to standard input, which stays open.</summary>
    public void WriteInputLine(string line)
    {
        _process.StandardInput.Write(line + "\n");
        _process.StandardInput.Flush();
    }

    /// <summary>Waits until standard output holds a text.</summary>
    public void AwaitOutput(string text) => Await(_output, text, "standard output");

    /// <summary>Waits until standard error holds a text.</summary>
    public void AwaitError(string text) => Await(_error, text, "standard error");

    /// <summary>What standard error holds by now.</summary>
    public string ErrorSoFar => _error.Text;

    /// <summary>Sends a signal, such as INT.</summary>
    public void Signal(string name)
    {
        using Process kill = Process.Start("/bin/kill", [$"-{name}", _process.Id.ToString(CultureInfo.InvariantCulture)]);
        Assert.That(kill.WaitForExit(Patience), "kill did not end");
        Assert.That(kill.ExitCode, Is.Zero, "kill failed: the program has ended already");
    }

    /// <summary>Number of the process.</summary>
    public int Id => _process.Id;

    /// <summary>Whether the program has ended, at the latest after some time.</summary>
    public bool EndsWithin(TimeSpan time) => _process.WaitForExit(time);

    /// <summary>Waits until the program ends.</summary>
    public ProgramRun End()
    {
        if (!_process.WaitForExit(Patience))
        {
            Give("the program's end");
        }

        _output.Finish(Patience);
        _error.Finish(Patience);
        return new ProgramRun(_process.ExitCode, _output.Text, _error.Text);
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            _process.WaitForExit(Patience);
        }

        _process.Dispose();
    }

    private void Await(Collector collector, string text, string name)
    {
        if (!collector.Await(text, Patience))
        {
            Give($"'{text}' on {name}");
        }
    }

    private void Give(string awaited)
    {
        string state = _process.HasExited ? $"it ended with exit code {_process.ExitCode}" : "it was still running and was ended";
        Dispose();
        Assert.Fail(
            $"waited in vain for {awaited} (at most {Patience.TotalSeconds} s); {state}\n--- standard output:\n{_output.Text}\n--- standard error:\n{_error.Text}");
    }

    /// <summary>Reads a stream to its end on its own thread.</summary>
    private sealed class Collector
    {
        private readonly StreamReader _reader;
        private readonly StringBuilder _text = new();
        private readonly object _gate = new();
        private readonly Thread _thread;
        private bool _ended;

        public Collector(StreamReader reader)
        {
            _reader = reader;
            _thread = new Thread(Read) { IsBackground = true };
            _thread.Start();
        }

        public string Text
        {
            get
            {
                lock (_gate)
                {
                    return _text.ToString();
                }
            }
        }

        public bool Await(string wanted, TimeSpan patience)
        {
            Stopwatch watch = Stopwatch.StartNew();
            lock (_gate)
            {
                while (!_text.ToString().Contains(wanted, StringComparison.Ordinal))
                {
                    TimeSpan left = patience - watch.Elapsed;
                    if (_ended || left <= TimeSpan.Zero || !Monitor.Wait(_gate, left))
                    {
                        return _text.ToString().Contains(wanted, StringComparison.Ordinal);
                    }
                }

                return true;
            }
        }

        public void Finish(TimeSpan patience) => _thread.Join(patience);

        private void Read()
        {
            char[] buffer = new char[1024];
            try
            {
                for (int count; (count = _reader.Read(buffer)) > 0;)
                {
                    lock (_gate)
                    {
                        _text.Append(buffer, 0, count);
                        Monitor.PulseAll(_gate);
                    }
                }
            }
            catch (Exception exception) when (exception is IOException or ObjectDisposedException)
            {
                // The program was ended because a wait was in vain.
            }

            lock (_gate)
            {
                _ended = true;
                Monitor.PulseAll(_gate);
            }
        }
    }
}
