using System.Text;

namespace Moesaic.Cli.Output;

/// <summary>
/// Writes to a terminal what a model or a file says: control characters are written out (<see cref="ControlText"/>), all but
/// line breaks and tabs.
/// </summary>
internal sealed class TerminalWriter(TextWriter terminal) : TextWriter
{
    // A carriage return is part of a line break, or would overwrite the line; which, the next character tells.
    private bool _hasReturn;

    public override Encoding Encoding => terminal.Encoding;

    public override void Write(char value) => Write([value]);

    public override void Write(string? value) => Write(value.AsSpan());

    public override void Write(char[] buffer, int index, int count) => Write(buffer.AsSpan(index, count));

    public override void Write(ReadOnlySpan<char> buffer)
    {
        if (_hasReturn && buffer.Length > 0)
        {
            _hasReturn = false;
            terminal.Write(buffer[0] == '\n' ? "\r" : ControlText.Escape('\r'));
        }

        int written = 0;
        for (int i = 0; i < buffer.Length; i++)
        {
            if (!ControlText.IsControl(buffer[i]))
            {
                continue;
            }

            terminal.Write(buffer[written..i]);
            written = i + 1;
            if (buffer[i] == '\r' && written == buffer.Length)
            {
                _hasReturn = true;
            }
            else if (buffer[i] == '\r' && buffer[written] == '\n')
            {
                terminal.Write('\r');
            }
            else
            {
                terminal.Write(ControlText.Escape(buffer[i]));
            }
        }

        terminal.Write(buffer[written..]);
    }

    public override void WriteLine(string? value)
    {
        Write(value);
        terminal.WriteLine();
    }

    public override void Flush() => terminal.Flush();

    public override Task FlushAsync() => terminal.FlushAsync();

    public override Task FlushAsync(CancellationToken cancellationToken) => terminal.FlushAsync(cancellationToken);
}
