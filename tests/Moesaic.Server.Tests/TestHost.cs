using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Moesaic.Engine;
using Moesaic.Interop;
using Moesaic.Server.Routing;

namespace Moesaic.Server.Tests;

/// <summary>A host on a free port with the embedded model under the name "ling", and a client for it.</summary>
internal sealed class TestHost : IAsyncDisposable
{
    public const string Model = "ling";

    private readonly StringWriter _log = new();

    private TestHost()
    {
    }

    public ServiceHost Host { get; private set; } = null!;

    public HttpClient Client { get; private set; } = null!;

    /// <summary>What was logged so far.</summary>
    public string Log
    {
        get
        {
            lock (_log)
            {
                return _log.ToString();
            }
        }
    }

    /// <summary>Two threads and a small cache: tests run side by side on small machines.</summary>
    public static ServerOptions Options { get; } = new()
    {
        Port = 0,
        Models = [new ModelSource(Model, null)],
        Engine = new EngineOptions { Device = new DeviceOptions { NumThreads = 2 }, MaxContext = 256 },
        Serving = new ServingOptions { MaxSequences = 8, MaxTokensPerStep = 64, KvCacheBytes = 64 << 20 },
    };

    /// <summary>Starts a host and waits until it is ready.</summary>
    /// <param name="options">Null: <see cref="Options"/>.</param>
    /// <param name="more">Routes beside the real ones.</param>
    public static async Task<TestHost> StartAsync(ServerOptions? options = null, params Route[] more)
    {
        TestHost test = new();
        test.Host = await ServiceHost.StartAsync((options ?? Options) with { LogWriter = TextWriter.Synchronized(test._log) }, [.. Routes.All, .. more], CancellationToken.None);
        test.Client = new HttpClient { BaseAddress = test.Host.Address, Timeout = TimeSpan.FromSeconds(60) };
        await test.Host.Ready;
        return test;
    }

    /// <summary>Posts JSON text.</summary>
    public Task<HttpResponseMessage> PostAsync(string path, string json, string? key = null)
    {
        HttpRequestMessage request = new(HttpMethod.Post, path) { Content = new StringContent(json, Encoding.UTF8, "application/json") };
        if (key is not null)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        }

        return Client.SendAsync(request);
    }

    /// <summary>Sends bytes over a connection of their own and reads the answer.</summary>
    public Task<RawResponse> SendRawAsync(string request, bool halfClose = false) => SendRawAsync(Encoding.Latin1.GetBytes(request), halfClose);

    /// <inheritdoc cref="SendRawAsync(string, bool)"/>
    public Task<RawResponse> SendRawAsync(byte[] request, bool halfClose = false) =>
        RawConnection.ExchangeAsync(new IPEndPoint(IPAddress.Loopback, Host.Address.Port), request, halfClose);

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await Host.DisposeAsync();
    }
}
