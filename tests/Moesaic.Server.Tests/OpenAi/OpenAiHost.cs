using System.Net;
using System.Text;
using System.Text.Json;
using Moesaic.Engine;
using Moesaic.Interop;

namespace Moesaic.Server.Tests.OpenAi;

/// <summary>A real host on a free port and a client that speaks JSON and server-sent events.</summary>
internal sealed class OpenAiHost : IAsyncDisposable
{
    private readonly HttpClient _client;

    private OpenAiHost(ServiceHost host)
    {
        Host = host;
        // A reader that leaves closes its connection at once, instead of reading what is left of the answer to use it again.
        _client = new HttpClient(new SocketsHttpHandler { MaxResponseDrainSize = 0, ResponseDrainTimeout = TimeSpan.Zero })
        {
            BaseAddress = host.Address,
            Timeout = TimeSpan.FromMinutes(5),
        };
    }

    public ServiceHost Host { get; }

    public InferenceEngine Engine => Host.Services.Models.All[0].Engine;

    public ModelRuntime Runtime => Host.Services.Models.All[0].Runtime;

    /// <summary>A host of one model called "m".</summary>
    /// <param name="path">Null: the embedded model.</param>
    /// <param name="templatePath">Replaces the model's chat template.</param>
    /// <param name="change">Changes the other options.</param>
    public static async Task<OpenAiHost> StartAsync(string? path = null, string? templatePath = null, Func<ServerOptions, ServerOptions>? change = null)
    {
        ServerOptions options = new()
        {
            Port = 0,
            LogWriter = TextWriter.Null,
            Models = [new ModelSource("m", path)],
            Engine = new EngineOptions { Device = new DeviceOptions { NumThreads = 2 }, ChatTemplatePath = templatePath },
        };
        ServiceHost host = await ServiceHost.StartAsync(change?.Invoke(options) ?? options);
        await host.Ready;
        return new OpenAiHost(host);
    }

    public async Task<JsonElement> GetAsync(string path) => Parse(await _client.GetStringAsync(path));

    /// <summary>Posts and expects 200.</summary>
    public async Task<JsonElement> PostAsync(string path, string json)
    {
        (HttpStatusCode status, JsonElement body) = await TryPostAsync(path, json);
        Assert.That(status, Is.EqualTo(HttpStatusCode.OK), body.ToString());
        return body;
    }

    public async Task<(HttpStatusCode Status, JsonElement Body)> TryPostAsync(string path, string json)
    {
        using StringContent content = new(json, Encoding.UTF8, "application/json");
        using HttpResponseMessage response = await _client.PostAsync(path, content);
        return (response.StatusCode, Parse(await response.Content.ReadAsStringAsync()));
    }

    /// <summary>Posts, and expects a refusal of one field.</summary>
    public async Task ExpectRefusalAsync(string path, string json, string code, string? param, int status = 400)
    {
        (HttpStatusCode found, JsonElement body) = await TryPostAsync(path, json);
        Assert.That((int)found, Is.EqualTo(status), body.ToString());
        JsonElement error = body.GetProperty("error");
        Assert.That(error.GetProperty("code").GetString(), Is.EqualTo(code), error.ToString());
        Assert.That(error.GetProperty("param").GetString(), Is.EqualTo(param), error.ToString());
    }

    /// <summary>Posts and reads the whole stream.</summary>
    public async Task<List<SseEvent>> StreamAsync(string path, string json)
    {
        List<SseEvent> events = [];
        using HttpResponseMessage response = await OpenAsync(path, json);
        Assert.That(response.Content.Headers.ContentType?.MediaType, Is.EqualTo("text/event-stream"));
        using StreamReader reader = new(await response.Content.ReadAsStreamAsync());
        while (await ReadEventAsync(reader) is { } found)
        {
            events.Add(found);
        }

        return events;
    }

    /// <summary>Posts and returns as soon as the stream begins.</summary>
    public async Task<HttpResponseMessage> OpenAsync(string path, string json)
    {
        using HttpRequestMessage request = new(HttpMethod.Post, path) { Content = new StringContent(json, Encoding.UTF8, "application/json") };
        HttpResponseMessage response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        return response;
    }

    /// <summary>Posts and returns as soon as there are headers, whatever they say.</summary>
    public async Task<HttpResponseMessage> SendAsync(string path, string json, CancellationToken cancellation)
    {
        using HttpRequestMessage request = new(HttpMethod.Post, path) { Content = new StringContent(json, Encoding.UTF8, "application/json") };
        return await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
    }

    /// <summary>The next event; null at the end of the stream.</summary>
    public static async Task<SseEvent?> ReadEventAsync(StreamReader reader)
    {
        string? name = null;
        while (await reader.ReadLineAsync() is { } line)
        {
            if (line.StartsWith("event: ", StringComparison.Ordinal))
            {
                name = line[7..];
                continue;
            }

            if (line.StartsWith(':'))
            {
                // A sign of life on a machine that is very busy.
                await reader.ReadLineAsync();
                continue;
            }

            Assert.That(line, Does.StartWith("data: "));
            Assert.That(await reader.ReadLineAsync(), Is.Empty);
            return line == "data: [DONE]" ? new SseEvent(name, true, default) : new SseEvent(name, false, Parse(line[6..]));
        }

        return null;
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await Host.DisposeAsync();
    }

    private static JsonElement Parse(string json)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        return document.RootElement.Clone();
    }
}

/// <summary>An event of a stream.</summary>
internal readonly record struct SseEvent(string? Name, bool IsDone, JsonElement Data);
