using Moesaic.Engine;
using Moesaic.Server;
using Moesaic.TestSupport;

namespace Moesaic.Clients.Tests;

/// <summary>The host that all clients talk to: it serves the scripted checkpoint, the embedded model and an encoder, and asks for a key.</summary>
[SetUpFixture]
internal sealed class ClientHost
{
    public const string Key = "sk-clients";
    public const string Model = "scripted";
    public const string EmbeddedModel = "embedded";
    public const string Encoder = "encoder";
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    private static TemporaryFolder? s_folder;
    private static ServiceHost? s_host;
    private static ServiceHost? s_narrowHost;

    /// <summary>Without a slash at the end.</summary>
    public static string Url { get; private set; } = "";

    /// <summary>Of a host that runs one request, lets one wait, and asks for no key.</summary>
    public static string NarrowUrl { get; private set; } = "";

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        s_folder = new TemporaryFolder();
        s_host = await StartHostAsync(new ServerOptions
        {
            Port = 0,
            ApiKeys = [new ApiKey("clients", Key)],
            Models = [new ModelSource(Model, ScriptedCheckpoint.Write(s_folder.Path)), new ModelSource(EmbeddedModel, null), new ModelSource(Encoder, SmallEncoder.Write(Directory.CreateDirectory(s_folder.Combine("encoder")).FullName))],
        });
        s_narrowHost = await StartHostAsync(new ServerOptions
        {
            Port = 0,
            Models = [new ModelSource(Model, s_folder.Path)],
            Serving = new ServingOptions { MaxSequences = 1, MaxWaiting = 1 },
        });
        Url = s_host.Address.ToString().TrimEnd('/');
        NarrowUrl = s_narrowHost.Address.ToString().TrimEnd('/');
    }

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        foreach (ServiceHost? host in new[] { s_host, s_narrowHost })
        {
            if (host is not null)
            {
                await host.DisposeAsync();
            }
        }

        s_folder?.Dispose();
    }

    private static async Task<ServiceHost> StartHostAsync(ServerOptions options)
    {
        ServiceHost host = await ServiceHost.StartAsync(options);
        try
        {
            await host.Ready.WaitAsync(s_patience);
            return host;
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }
}
