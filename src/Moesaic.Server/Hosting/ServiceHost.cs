using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Moesaic.Server.Catalog;
using Moesaic.Server.Hosting;
using Moesaic.Server.Logging;
using Moesaic.Server.Metrics;
using Moesaic.Server.Routing;
using Moesaic.Server.Security;
using Moesaic.Server.Telemetry;
using OpenTelemetry.Trace;

namespace Moesaic.Server;

/// <summary>The service host: listens at once, loads its models meanwhile, serves until stopped.</summary>
public sealed class ServiceHost : IAsyncDisposable
{
    // For responses whose last bytes are on their way when the engines have nothing left to run.
    private static readonly TimeSpan LastWrites = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan FailureCheck = TimeSpan.FromSeconds(1);

    private readonly WebApplication _application;
    private readonly HostServices _services;
    private readonly TracerProvider? _tracing;
    private readonly CancellationTokenSource _stopping = new();
    private int _isDisposed;

    private ServiceHost(WebApplication application, HostServices services, TracerProvider? tracing)
    {
        _application = application;
        _services = services;
        _tracing = tracing;
    }

    /// <summary>Ends when all models are loaded and requests are taken; fails when one cannot be loaded.</summary>
    public Task Ready { get; private set; } = Task.CompletedTask;

    /// <summary>Fails when an engine has ended, which no request can mend; never ends otherwise.</summary>
    public Task Failed { get; private set; } = Task.CompletedTask;

    /// <summary>Where it listens, with the real port.</summary>
    public Uri Address { get; private set; } = null!;

    /// <summary>What is served, once it is ready.</summary>
    public IReadOnlyList<string> ModelNames => [.. _services.Models.All.Select(static m => m.Name), .. _services.Models.Encoders.Select(static m => m.Name)];

    internal HostServices Services => _services;

    /// <summary>Begins to listen and to load.</summary>
    /// <param name="options">Everything there is to say.</param>
    /// <param name="cancellationToken">Ends the start, not the host.</param>
    /// <exception cref="IOException">The address cannot be listened on.</exception>
    /// <exception cref="ServerConfigurationException">An option names something that cannot be used.</exception>
    public static Task<ServiceHost> StartAsync(ServerOptions options, CancellationToken cancellationToken = default) =>
        StartAsync(options, Routes.All, cancellationToken);

    /// <inheritdoc cref="StartAsync(ServerOptions, CancellationToken)"/>
    internal static async Task<ServiceHost> StartAsync(ServerOptions options, IEnumerable<Route> routes, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        var tls = options.Tls?.Load();
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.Logging.SetMinimumLevel(options.LogLevel)
            .AddFilter("Microsoft", options.LogLevel > LogLevel.Warning ? options.LogLevel : LogLevel.Warning)
            .AddProvider(new LineLoggerProvider(options.LogWriter ?? Console.Error, TimeProvider.System));
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => KestrelSettings.Apply(kestrel, options, tls));
        if (tls is not null)
        {
            builder.WebHost.UseKestrelHttpsConfiguration();
        }

        WebApplication application = builder.Build();
        ILogger log = application.Services.GetRequiredService<ILoggerFactory>().CreateLogger("moesaic");
        HostServices services = new(options, new ServedModels(), new ServerMetrics(), log);
        RequestDispatcher dispatcher = new(services, new RouteTable(routes, options.AdminKey is not null), new RequestGuard(options));
        application.Run(dispatcher.HandleAsync);
        ServiceHost host = new(application, services, RequestTracing.StartExport());
        try
        {
            await application.StartAsync(cancellationToken).ConfigureAwait(false);
            host.Address = new Uri(application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        }
        catch
        {
            await host.DisposeAsync().ConfigureAwait(false);
            throw;
        }

        host.Ready = Task.Run(() => services.Models.Load(options, host._stopping.Token), CancellationToken.None);
        host.Failed = host.WatchAsync();
        return host;
    }

    /// <summary>Refuses further requests while running ones finish, then stops listening. Until then health tells that it drains.</summary>
    /// <param name="limit">After which what still runs is cancelled.</param>
    public async Task StopAsync(TimeSpan limit)
    {
        _services.Models.StopAdmitting();
        await _stopping.CancelAsync().ConfigureAwait(false);
        await Ready.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _services.Models.DrainAsync(limit).ConfigureAwait(false);
        using CancellationTokenSource deadline = new(limit < LastWrites ? limit : LastWrites);
        await _application.StopAsync(deadline.Token).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
        {
            return;
        }

        await StopAsync(TimeSpan.Zero).ConfigureAwait(false);
        await _application.DisposeAsync().ConfigureAwait(false);
        _services.Models.Dispose();
        _tracing?.Dispose();
        _stopping.Dispose();
    }

    private async Task WatchAsync()
    {
        while (true)
        {
            await Task.Delay(FailureCheck, _stopping.Token).ConfigureAwait(false);
            if (_services.Models.All.FirstOrDefault(static m => m.Engine.Failure is not null) is { } failed)
            {
                throw new InvalidOperationException($"the engine of {failed.Name} has ended: {failed.Engine.Failure!.Message}", failed.Engine.Failure);
            }
        }
    }

    /// <summary>Signals are the program's business, not the web server's.</summary>
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
