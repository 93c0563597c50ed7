using Moesaic.Cli.Hosting;

namespace Moesaic.Cli;

internal static class Program
{
    private static async Task<int> Main(string[] args)
    {
        using Terminal terminal = new();
        using Interruption interruption = new();
        try
        {
            return await CommandLineDispatcher.RunAsync(args, terminal, interruption.Token).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            return Failures.Report(exception, terminal);
        }
    }
}
