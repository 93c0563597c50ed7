using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Moesaic.Server.Page;

namespace Moesaic.Browser.Tests;

/// <summary>Serves the chat page, and answers its calls as the test says.</summary>
internal sealed class ScriptedHost : IAsyncDisposable
{
    private readonly WebApplication _application;
    private readonly ConcurrentQueue<Func<HttpContext, Task>> _answers = new();

    private ScriptedHost(WebApplication application) => _application = application;

    /// <summary>Root address, on a free port.</summary>
    public string Address { get; private set; } = "";

    /// <summary>Keys of which a request must carry one; null when none is needed.</summary>
    public string? Key { get; set; }

    /// <summary>What /v1/models answers with.</summary>
    public string Models { get; set; } = """{"object":"list","data":[{"id":"tiny","object":"model","max_model_len":512},{"id":"other","object":"model"}]}""";

    /// <summary>Bodies of the chat requests so far.</summary>
    public ConcurrentQueue<JsonElement> Requests { get; } = new();

    public static async Task<ScriptedHost> StartAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(options => options.Listen(IPAddress.Loopback, 0));
        builder.Services.AddRouting();
        WebApplication application = builder.Build();
        ScriptedHost host = new(application);
        application.UseRouting();
        foreach (PageFile file in PageFiles.All)
        {
            application.MapMethods(file.Path, ["GET", "HEAD"], file.WriteAsync);
        }

        application.MapGet("/v1/models", (RequestDelegate)(context => host.IsAllowed(context) ? Replies.JsonAsync(context, host.Models) : host.RefuseAsync(context)));
        application.MapPost("/v1/chat/completions", (RequestDelegate)host.AnswerAsync);
        await application.StartAsync();
        host.Address = application.Urls.Single();
        return host;
    }

    /// <summary>Answers the next chat request.</summary>
    public void Next(Func<HttpContext, Task> answer) => _answers.Enqueue(answer);

    /// <summary>Answers the next chat request with a stream that the test feeds.</summary>
    public FedStream NextStream()
    {
        FedStream stream = new();
        Next(stream.RunAsync);
        return stream;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        // At once: the browser keeps its connections open.
        await _application.StopAsync(new CancellationToken(canceled: true));
        await _application.DisposeAsync();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        if (!IsAllowed(context))
        {
            await RefuseAsync(context);
            return;
        }

        using JsonDocument body = await JsonDocument.ParseAsync(context.Request.Body);
        Requests.Enqueue(body.RootElement.Clone());
        if (_answers.TryDequeue(out Func<HttpContext, Task>? answer))
        {
            await answer(context);
        }
        else
        {
            await Replies.ErrorAsync(context, 500, "unexpected", "The test gave no answer for this request.");
        }
    }

    private bool IsAllowed(HttpContext context) => Key is null || context.Request.Headers.Authorization == $"Bearer {Key}";

    private Task RefuseAsync(HttpContext context) => Replies.ErrorAsync(context, 401, "invalid_api_key", "A valid API key is needed.");
}
