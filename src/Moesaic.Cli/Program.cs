using Moesaic.Cli.Hosting;

namespace Moesaic.Cli;

internal static class Program
{
    private static async Task<int> Main(string[] args)
    {
        using Terminal terminal = new();
        using Interruption interruption = new();
        int code;
        try
        {
            code = await CommandLineDispatcher.RunAsync(args, terminal, interruption.Token).ConfigureAwait(false);

            // What cannot be written is a failure: not left to the end of the process, where nobody would hear of it.
            terminal.Output.Flush();
        }
        catch (Exception exception)
        {
            code = Failures.Report(exception, terminal);
        }

        return code == ExitCodes.Interrupted ? interruption.ExitCode : code;
    }
}
