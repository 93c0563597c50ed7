using System.Net;
using Moesaic.Cli.BenchServe;

namespace Moesaic.Cli.Tests.BenchServe;

/// <summary>When requests are sent, on a clock that jumps to whatever is waited for.</summary>
internal sealed class LoadRunTests
{
    private static readonly TimeSpan s_timeout = TimeSpan.FromHours(1);

    [Test]
    public async Task Requests_are_sent_when_due_though_none_before_is_answered()
    {
        double[] due = ArrivalSchedule.Draw(200, 25, 1, new BenchRandom(7));
        WaitingHandler handler = new(waitFor: due.Length);
        RequestRecord[] records = await Run(handler, due, null);
        Assert.That(records.Select(r => r.Start - r.Due), Is.All.InRange(-1e-6, 1e-3 + 1e-6), "late by less than the grain of timers, never early");
        Assert.That(handler.MostWaiting, Is.EqualTo(due.Length));
    }

    [Test]
    public async Task A_limit_on_concurrency_is_reached_and_kept()
    {
        WaitingHandler handler = new(waitFor: 8);
        RequestRecord[] records = await Run(handler, new double[64], 8);
        Assert.That(records.Select(r => r.Error), Is.All.Null);
        Assert.That(handler.MostWaiting, Is.EqualTo(8));
    }

    [Test]
    public void Cancelling_ends_the_run()
    {
        using CancellationTokenSource stop = new();
        WaitingHandler handler = new(waitFor: 1000) { OnWaiting = n => { if (n == 4) { stop.Cancel(); } } };
        Assert.That(async () => await Run(handler, new double[8], 4, stop.Token), Throws.InstanceOf<OperationCanceledException>());
    }

    private static async Task<RequestRecord[]> Run(WaitingHandler handler, double[] due, int? maxConcurrency, CancellationToken cancellationToken = default)
    {
        VirtualClock clock = new(s_timeout);
        using HttpMessageInvoker http = new(handler);
        StreamingClient client = new(http, new Uri("http://host.invalid/v1/completions"), null, clock, s_timeout);
        RequestRecord[] records = [.. due.Select((d, i) => new RequestRecord(i, d, 1))];
        byte[][] bodies = [.. due.Select(_ => "{}"u8.ToArray())];
        await new LoadRun(client, maxConcurrency).RunAsync(bodies, records, cancellationToken);
        return records;
    }

    /// <summary>Answers nobody until so many requests wait, and then all of these.</summary>
    private sealed class WaitingHandler(int waitFor) : HttpMessageHandler
    {
        private readonly Lock _gate = new();
        private TaskCompletionSource _all = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _waiting;

        public int MostWaiting { get; private set; }

        public Action<int>? OnWaiting { get; init; }

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Task all;
            int waiting;
            lock (_gate)
            {
                waiting = ++_waiting;
                MostWaiting = Math.Max(MostWaiting, waiting);
                all = _all.Task;
                if (waiting == waitFor)
                {
                    _waiting = 0;
                    _all.SetResult();
                    _all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                }
            }

            OnWaiting?.Invoke(waiting);
            await all.WaitAsync(cancellationToken);
            return new HttpResponseMessage(HttpStatusCode.OK)
            {
                Content = new StringContent("""data: {"choices":[{"text":"a","finish_reason":"length"}]}""" + "\n\n", null, "text/event-stream"),
            };
        }
    }
}
