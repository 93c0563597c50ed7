using System.Globalization;
using Moesaic.Cli.BenchServe;
using Moesaic.Cli.Hosting;

namespace Moesaic.Cli.Verbs;

/// <summary>Measures a running host from outside, as its clients see it.</summary>
internal static class BenchServeCommand
{
    // More of a lag than timers make: the client itself was too slow to keep to the schedule.
    private const double LagSeconds = 0.05;

    public static async Task<int> RunAsync(BenchServeOptions options, Terminal terminal, CancellationToken cancellationToken)
    {
        BenchServePlan plan = BenchServePlan.Of(options);
        using HttpMessageInvoker http = Connections(plan, options.NoKeepAlive);
        HostApi host = new(http, plan.BaseUrl, plan.ApiKey);
        string model = options.Model ?? await host.FirstModelAsync(cancellationToken).ConfigureAwait(false);
        host.Model = model;
        IPromptCodec codec = options.Tokenizer is null ? host : new LocalCodec(TokenizerSource.Load(options.Tokenizer));
        BenchRandom random = new(options.Seed);
        List<BenchPrompt> prompts = await PromptSource.ReadAsync(plan, options.OutputLength, options.DatasetPath, random, codec, cancellationToken).ConfigureAwait(false);
        double[] due = PromptSource.Schedule(plan, options.Burstiness, prompts, random);
        RequestBody body = new(model, plan.IsChat, options.Temperature, options.IgnoreEos, plan.ExtraBody);
        byte[][] bodies = [.. prompts.Select(body.Write)];
        RequestRecord[] records = [.. prompts.Select((p, i) => new RequestRecord(i, due[i], p.OutputTokens) { PromptTokens = p.NumTokens ?? 0 })];

        StreamingClient client = new(http, new Uri(plan.BaseUrl + plan.Endpoint), plan.ApiKey, TimeProvider.System, plan.RequestTimeout);
        await WarmUpAsync(client, body, prompts, options.NumWarmups, random, cancellationToken).ConfigureAwait(false);
        double duration;
        using (ProgressLine progress = new(terminal, bodies.Length))
        {
            duration = await new LoadRun(client, plan.MaxConcurrency, progress.Add).RunAsync(bodies, records, cancellationToken).ConfigureAwait(false);
        }

        ServeReport report = new(records, duration, plan.Goodput);
        await WriteAsync(report, plan, options, model, terminal, cancellationToken).ConfigureAwait(false);
        return report.Failed == 0 ? ExitCodes.Success : ExitCodes.RunFailure;
    }

    /// <summary>No proxy, no redirects, no cookies, as many connections as there are requests.</summary>
    private static HttpMessageInvoker Connections(BenchServePlan plan, bool noKeepAlive) => new(new SocketsHttpHandler
    {
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        ConnectTimeout = plan.RequestTimeout,
        MaxConnectionsPerServer = int.MaxValue,
        PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
        PooledConnectionLifetime = noKeepAlive ? TimeSpan.Zero : Timeout.InfiniteTimeSpan,
    });

    /// <exception cref="HostException">One of them failed: there is nothing to measure.</exception>
    private static async Task WarmUpAsync(
        StreamingClient client, RequestBody body, List<BenchPrompt> prompts, int count, BenchRandom random, CancellationToken cancellationToken)
    {
        for (int i = 0; i < count; i++)
        {
            RequestRecord record = new(i, 0, 0);
            await client.SendAsync(body.Write(Unlike(prompts[i % prompts.Count], random)), record, client.Clock.GetTimestamp(), cancellationToken).ConfigureAwait(false);
            if (record.Error is { } error)
            {
                throw new HostException("a request before the measurement failed: " + error);
            }
        }
    }

    /// <summary>A prompt of the same tokens or words in another order, so that what is measured is not in the host's prefix cache yet.</summary>
    private static BenchPrompt Unlike(BenchPrompt prompt, BenchRandom random) =>
        prompt.Ids is not null ? prompt with { Ids = Shuffled(prompt.Ids, random) }
        : prompt.Text is not null ? prompt with { Text = string.Join(' ', Shuffled(prompt.Text.Split(' '), random)) }
        : prompt;

    private static T[] Shuffled<T>(T[] items, BenchRandom random)
    {
        T[] copy = [.. items];
        random.Shuffle<T>(copy);
        return copy;
    }

    private static async Task WriteAsync(
        ServeReport report, BenchServePlan plan, BenchServeOptions options, string model, Terminal terminal, CancellationToken cancellationToken)
    {
        string json = ServeJson.Write(report, plan, options, model, DateTimeOffset.UtcNow);
        if (options.SaveResult is not null)
        {
            await File.WriteAllTextAsync(options.SaveResult, json + "\n", cancellationToken).ConfigureAwait(false);
        }

        if (options.Html is not null)
        {
            await File.WriteAllTextAsync(options.Html, HtmlReport.Write(report, plan, model), cancellationToken).ConfigureAwait(false);
        }

        if (options.Json)
        {
            terminal.Output.WriteLine(json);
        }
        else
        {
            ServeTable.Write(terminal.Output, report, plan);
        }

        foreach ((string text, int count) in report.Errors)
        {
            terminal.Fail(string.Create(CultureInfo.InvariantCulture, $"{count} of {report.Records.Count} requests failed: {text}"));
        }

        if (!report.HasUsage)
        {
            terminal.Fail("the host did not report token counts (usage); events of the stream are counted as tokens");
        }

        if (plan.MaxConcurrency is null && report.MaxLag > LagSeconds)
        {
            terminal.Fail(string.Create(CultureInfo.InvariantCulture, $"this client fell behind its schedule by up to {report.MaxLag * 1000:F0} ms; use a machine of its own, or a lower rate"));
        }
    }
}
