using Moesaic.Cli.Hosting;
using Moesaic.Server;

namespace Moesaic.Cli.Verbs;

internal static class ServeCommand
{
    /// <summary>Serves until the program is told to end; then what runs is finished and the exit code is 0.</summary>
    public static async Task<int> RunAsync(ServeOptions options, Terminal terminal, CancellationToken cancellationToken)
    {
        ServerOptions server = ServeRequest.Build(new ServeSettings(options, Environment.GetEnvironmentVariable));
        ServiceHost host = await StartAsync(server, cancellationToken).ConfigureAwait(false);
        await using (host.ConfigureAwait(false))
        {
            terminal.Error.WriteLine($"listening on {host.Address} ({Access(server)}), loading");
            Task stop = Task.Delay(Timeout.Infinite, cancellationToken);
            if (await Task.WhenAny(host.Ready, stop).ConfigureAwait(false) == host.Ready)
            {
                await LoadedAsync(host).ConfigureAwait(false);
                terminal.Error.WriteLine($"ready: {string.Join(", ", host.ModelNames)}");

                // An engine that is gone answers nobody: whoever supervises the program should start it anew.
                await Task.WhenAny(host.Failed, stop).ConfigureAwait(false);
                if (host.Failed.IsCompleted)
                {
                    await host.Failed.ConfigureAwait(false);
                }
            }

            terminal.Error.WriteLine($"draining: running requests have {server.DrainTimeout.TotalSeconds:0.#} s");
            await host.StopAsync(server.DrainTimeout).ConfigureAwait(false);
        }

        return ExitCodes.Success;
    }

    private static async Task<ServiceHost> StartAsync(ServerOptions server, CancellationToken cancellationToken)
    {
        try
        {
            return await ServiceHost.StartAsync(server, cancellationToken).ConfigureAwait(false);
        }
        catch (ServerConfigurationException exception)
        {
            throw new UsageException(exception.Message);
        }
    }

    private static async Task LoadedAsync(ServiceHost host)
    {
        try
        {
            await host.Ready.ConfigureAwait(false);
        }
        catch (ArgumentException exception)
        {
            throw new UsageException(ModelLoading.Message(exception));
        }
        catch (ServerConfigurationException exception)
        {
            throw new UsageException(exception.Message);
        }
    }

    private static string Access(ServerOptions server) => server.ApiKeys.Count switch
    {
        0 when System.Net.IPAddress.IsLoopback(server.Address) => "no API key needed, this machine only",
        0 => "NO API KEY NEEDED, open to everybody who can reach it; set one with MOESAIC_API_KEY or --api-key-file",
        1 => "an API key is needed",
        var count => $"one of {count} API keys is needed",
    };
}
