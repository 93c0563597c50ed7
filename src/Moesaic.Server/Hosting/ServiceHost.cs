using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Moesaic.Server.Catalog;
using Moesaic.Server.Hosting;
using Moesaic.Server.Metrics;
using Moesaic.Server.Routing;
using Moesaic.Server.Security;

namespace Moesaic.Server;

/// <summary>The service host: listens at once, loads its models meanwhile, serves until stopped.</summary>
public sealed class ServiceHost : IAsyncDisposable
{
    private readonly WebApplication _application;
    private readonly HostServices _services;
    private readonly CancellationTokenSource _loading = new();

    private ServiceHost(WebApplication application, HostServices services)
    {
        _application = application;
        _services = services;
        Ready = Task.CompletedTask;
    }

    /// <summary>Ends when all models are loaded and requests are taken; fails when one cannot be loaded.</summary>
    public Task Ready { get; private set; }

    /// <summary>Where it listens, with the real port.</summary>
    public Uri Address { get; private set; } = null!;

    internal HostServices Services => _services;

    /// <summary>Begins to listen and to load.</summary>
    /// <param name="options">Everything there is to say.</param>
    /// <param name="cancellationToken">Ends the start, not the host.</param>
    /// <exception cref="IOException">The address cannot be listened on.</exception>
    public static async Task<ServiceHost> StartAsync(ServerOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = options.MaxBodyBytes;
            kestrel.Listen(new IPEndPoint(options.Address, options.Port));
        });
        WebApplication application = builder.Build();
        ILogger log = application.Services.GetRequiredService<ILoggerFactory>().CreateLogger("moesaic");
        HostServices services = new(options, new ServedModels(), new ServerMetrics(), log);
        RequestDispatcher dispatcher = new(services, new RouteTable(Routes.All, options.AdminKey is not null), new RequestGuard(options));
        application.Run(dispatcher.HandleAsync);
        ServiceHost host = new(application, services);
        try
        {
            await application.StartAsync(cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await host.DisposeAsync().ConfigureAwait(false);
            throw;
        }

        host.Address = new Uri(application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        host.Ready = Task.Run(() => services.Models.Load(options, host._loading.Token), CancellationToken.None);
        return host;
    }

    /// <summary>Takes no further requests, lets running ones finish, and stops listening.</summary>
    /// <param name="limit">After which what still runs is cut off.</param>
    public async Task StopAsync(TimeSpan limit)
    {
        _services.Models.StopAdmitting();
        await _loading.CancelAsync().ConfigureAwait(false);
        using CancellationTokenSource deadline = new(limit);
        await _application.StopAsync(deadline.Token).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await StopAsync(TimeSpan.Zero).ConfigureAwait(false);
        await _application.DisposeAsync().ConfigureAwait(false);
        await Ready.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _services.Models.Dispose();
        _loading.Dispose();
    }

    /// <summary>Signals are the program's business, not the web server's.</summary>
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
