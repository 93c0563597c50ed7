using System.Runtime;

namespace Moesaic.Cli.BenchServe;

/// <summary>
/// Sends the requests of a run. Arrivals are open-loop: each is sent when it is due, however slow the answers before it are,
/// unless a limit on concurrency holds it back.
/// </summary>
/// <param name="client">What sends one.</param>
/// <param name="maxConcurrency">Most requests at any time; null for no limit.</param>
/// <param name="onDone">Called after each; from several threads.</param>
internal sealed class LoadRun(StreamingClient client, int? maxConcurrency, Action<RequestRecord>? onDone = null)
{
    /// <param name="bodies">The requests, in order.</param>
    /// <param name="records">One for each; filled.</param>
    /// <param name="cancellationToken">Ends the run.</param>
    /// <returns>Seconds from the start until the last request was over.</returns>
    public async Task<double> RunAsync(IReadOnlyList<byte[]> bodies, IReadOnlyList<RequestRecord> records, CancellationToken cancellationToken)
    {
        // What came before must not be collected in the middle of the measurement.
        GC.Collect();
        GCLatencyMode before = GCSettings.LatencyMode;
        GCSettings.LatencyMode = GCLatencyMode.SustainedLowLatency;
        try
        {
            return await SendAllAsync(bodies, records, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            GCSettings.LatencyMode = before;
        }
    }

    private async Task<double> SendAllAsync(IReadOnlyList<byte[]> bodies, IReadOnlyList<RequestRecord> records, CancellationToken cancellationToken)
    {
        using SemaphoreSlim? slots = maxConcurrency is { } limit ? new SemaphoreSlim(limit) : null;
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        List<Task> running = new(bodies.Count);
        long origin = client.Clock.GetTimestamp();
        try
        {
            for (int i = 0; i < bodies.Count; i++)
            {
                await UntilAsync(records[i].Due, origin, stop.Token).ConfigureAwait(false);
                if (slots is not null)
                {
                    await slots.WaitAsync(stop.Token).ConfigureAwait(false);
                }

                running.Add(SendAsync(bodies[i], records[i], origin, slots, stop.Token));
            }
        }
        catch
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }

        await Task.WhenAll(running).ConfigureAwait(false);
        return client.Clock.GetElapsedTime(origin).TotalSeconds;
    }

    private async Task UntilAsync(double due, long origin, CancellationToken cancellationToken)
    {
        // Timers count whole milliseconds, and may fire within the one before.
        for (double wait; (wait = due - client.Clock.GetElapsedTime(origin).TotalSeconds) > 0;)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(Math.Ceiling(wait * 1000)), client.Clock, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task SendAsync(byte[] body, RequestRecord record, long origin, SemaphoreSlim? slots, CancellationToken cancellationToken)
    {
        try
        {
            await client.SendAsync(body, record, origin, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            slots?.Release();
        }

        onDone?.Invoke(record);
    }
}
