using Moesaic.Cli.Hosting;

namespace Moesaic.Cli.Input;

/// <summary>The one text a verb works on: an argument, or standard input.</summary>
internal static class PlainText
{
    /// <summary>The single value of a list of arguments; null when there is none.</summary>
    /// <exception cref="UsageException">There are several: the text was not quoted, and joining would guess its spaces.</exception>
    public static string? Single(IEnumerable<string> values, string what)
    {
        string[] all = [.. values];
        return all.Length switch
        {
            0 => null,
            1 => all[0],
            _ => throw new UsageException($"one {what} is expected, not {all.Length}; put quotes around it ('{all[0]} {all[1]}...')"),
        };
    }

    public static async Task<string> OrStandardInputAsync(string? text, Terminal terminal, CancellationToken cancellationToken)
    {
        if (text is not null)
        {
            return text;
        }

        if (!Terminal.HasPipedInput)
        {
            terminal.Error.WriteLine("(reading standard input; end with Ctrl-D)");
        }

        return await terminal.ReadAllAsync(cancellationToken).ConfigureAwait(false);
    }
}
