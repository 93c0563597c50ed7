using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Moesaic.Cli.Tests.BenchServe;

/// <summary>A host on a port of its own that answers every completion with as many events as tokens are asked for.</summary>
internal sealed class ScriptedHost : IAsyncDisposable
{
    private readonly WebApplication _application;
    private readonly TaskCompletionSource _gathered = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _running;
    private int _mostRunning;
    private int _arrived;

    private ScriptedHost()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");

        // Nobody here is slow on purpose; a machine may be.
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromMinutes(10);
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Limits.MinResponseDataRate = null;
        });
        _application = builder.Build();
        _application.MapGet("/v1/models", () => Json("""{"object":"list","data":[{"id":"scripted"},{"id":"other"}]}"""));
        _application.MapPost("/tokenize", TokenizeAsync);
        _application.MapPost("/detokenize", DetokenizeAsync);
        _application.MapPost("/v1/completions", context => CompleteAsync(context, isChat: false));
        _application.MapPost("/v1/chat/completions", context => CompleteAsync(context, isChat: true));
    }

    public string Url => _application.Urls.First();

    /// <summary>Bodies of completions, in order of arrival.</summary>
    public ConcurrentQueue<JsonElement> Bodies { get; } = new();

    public ConcurrentBag<string?> Keys { get; } = [];

    /// <summary>Connection of each completion.</summary>
    public ConcurrentBag<string> Connections { get; } = [];

    public int MostRunning => _mostRunning;

    /// <summary>Completions are answered only when so many have arrived.</summary>
    private int GatherFirst { get; init; }

    /// <summary>Completions whose number, from 0 on, is a multiple of this are refused; 0 for none.</summary>
    private int RefuseEvery { get; init; }

    private bool SendsUsage { get; init; }

    public static async Task<ScriptedHost> StartAsync(int gatherFirst = 0, int refuseEvery = 0, bool sendsUsage = true)
    {
        ScriptedHost host = new() { GatherFirst = gatherFirst, RefuseEvery = refuseEvery, SendsUsage = sendsUsage };
        await host._application.StartAsync();
        return host;
    }

    public async ValueTask DisposeAsync() => await _application.DisposeAsync();

    /// <summary>Each character is a token.</summary>
    private static async Task TokenizeAsync(HttpContext context)
    {
        JsonElement body = await ReadAsync(context);
        int[] ids = [.. body.GetProperty("prompt").GetString()!.Select(c => (int)c)];
        await WriteAsync(context, $$"""{"count":{{ids.Length}},"tokens":[{{string.Join(',', ids)}}]}""");
    }

    private static async Task DetokenizeAsync(HttpContext context)
    {
        JsonElement body = await ReadAsync(context);
        string text = string.Concat(body.GetProperty("tokens").EnumerateArray().Select(t => (char)t.GetInt32()));
        await WriteAsync(context, JsonSerializer.Serialize(new Dictionary<string, string> { ["prompt"] = text }));
    }

    private async Task CompleteAsync(HttpContext context, bool isChat)
    {
        int running = Interlocked.Increment(ref _running);
        InterlockedMax(ref _mostRunning, running);
        JsonElement body = await ReadAsync(context);
        Bodies.Enqueue(body);
        Keys.Add(context.Request.Headers.Authorization);
        Connections.Add(context.Connection.Id);
        int number = Interlocked.Increment(ref _arrived);
        if (number == GatherFirst)
        {
            _gathered.SetResult();
        }

        if (GatherFirst > 0)
        {
            await _gathered.Task;
        }

        if (RefuseEvery > 0 && (number - 1) % RefuseEvery == 0)
        {
            Interlocked.Decrement(ref _running);
            context.Response.StatusCode = StatusCodes.Status429TooManyRequests;
            await WriteAsync(context, """{"error":{"message":"the queue is full","type":"rate_limit_error","code":"overloaded"}}""");
            return;
        }

        context.Response.ContentType = "text/event-stream";
        int tokens = body.GetProperty(isChat ? "max_completion_tokens" : "max_tokens").GetInt32();
        for (int i = 0; i < tokens; i++)
        {
            await EventAsync(context, isChat ? """{"choices":[{"index":0,"delta":{"content":"x"}}]}""" : """{"choices":[{"index":0,"text":"x","finish_reason":null}]}""");
        }

        Interlocked.Decrement(ref _running);
        await EventAsync(context, isChat ? """{"choices":[{"index":0,"delta":{},"finish_reason":"length"}]}""" : """{"choices":[{"index":0,"text":"","finish_reason":"length"}]}""");
        if (SendsUsage)
        {
            await EventAsync(context, $$$"""{"choices":[],"usage":{"prompt_tokens":{{{PromptTokens(body)}}},"completion_tokens":{{{tokens}}}}}""");
        }

        await EventAsync(context, "[DONE]");
    }

    private static int PromptTokens(JsonElement body) =>
        !body.TryGetProperty("prompt", out JsonElement prompt) ? body.GetProperty("messages")[0].GetProperty("content").GetString()!.Length
        : prompt.ValueKind == JsonValueKind.Array ? prompt.GetArrayLength()
        : prompt.GetString()!.Length;

    private static async Task EventAsync(HttpContext context, string data)
    {
        await context.Response.WriteAsync($"data: {data}\n\n");
        await context.Response.Body.FlushAsync();
    }

    private static IResult Json(string text) => Results.Content(text, "application/json");

    private static async Task WriteAsync(HttpContext context, string json)
    {
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(json);
    }

    private static async Task<JsonElement> ReadAsync(HttpContext context)
    {
        using JsonDocument document = await JsonDocument.ParseAsync(context.Request.Body);
        return document.RootElement.Clone();
    }

    private static void InterlockedMax(ref int target, int value)
    {
        for (int seen = target; seen < value && Interlocked.CompareExchange(ref target, value, seen) is var now && now != seen;)
        {
            seen = now;
        }
    }
}
