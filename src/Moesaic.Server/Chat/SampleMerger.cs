using System.Threading.Channels;
using Moesaic.Engine;

namespace Moesaic.Server.Chat;

/// <summary>The events of several answers as one stream, in the order in which they come.</summary>
internal static class SampleMerger
{
    // Events that wait for a slow reader; past it the pumps wait, and tokens pile up in their compact form.
    private const int MaxWaiting = 256;

    public static IAsyncEnumerator<SampleEvent> Merge(IReadOnlyList<GenerationSample> samples, CancellationToken cancellation) =>
        samples.Count == 1 ? One(samples[0], cancellation) : Several(samples, cancellation);

    private static async IAsyncEnumerator<SampleEvent> One(GenerationSample sample, CancellationToken cancellation)
    {
        await foreach (GenerationEvent step in sample.WithCancellation(cancellation).ConfigureAwait(false))
        {
            yield return new SampleEvent(0, step);
        }
    }

    private static async IAsyncEnumerator<SampleEvent> Several(IReadOnlyList<GenerationSample> samples, CancellationToken cancellation)
    {
        Channel<SampleEvent> channel = Channel.CreateBounded<SampleEvent>(new BoundedChannelOptions(MaxWaiting) { SingleReader = true });
        using CancellationTokenSource left = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Task pumps = Complete(Task.WhenAll(samples.Select((sample, i) => Pump(sample, i, channel.Writer, left.Token))), channel.Writer);
        try
        {
            // Not by the token: answers that end as cancelled are told as such.
            await foreach (SampleEvent step in channel.Reader.ReadAllAsync(CancellationToken.None).ConfigureAwait(false))
            {
                yield return step;
            }
        }
        finally
        {
            await left.CancelAsync().ConfigureAwait(false);
            await pumps.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static async Task Pump(GenerationSample sample, int index, ChannelWriter<SampleEvent> writer, CancellationToken cancellation)
    {
        await foreach (GenerationEvent step in sample.WithCancellation(cancellation).ConfigureAwait(false))
        {
            await writer.WriteAsync(new SampleEvent(index, step), cancellation).ConfigureAwait(false);
        }
    }

    private static async Task Complete(Task pumps, ChannelWriter<SampleEvent> writer)
    {
        Exception? failure = null;
        try
        {
            await pumps.ConfigureAwait(false);
        }
        catch (Exception e)
        {
            failure = e;
        }

        writer.TryComplete(failure);
    }
}
