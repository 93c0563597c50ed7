using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Moesaic.Engine;

namespace Moesaic.Server.Tests.Hosting;

/// <summary>
/// A minute of many clients that ask, cancel, vanish and send nonsense. Afterwards no block is missing, memory has not grown,
/// and every good answer was the one that its request gets alone.
/// </summary>
internal sealed class SoakTests
{
    private const int NumClients = 12;
    private const double MostGrowth = 1.05;
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(62);
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(20);

    private static readonly string[] s_prompts = ["define river", "define sea", "what is a mountain", "a", "define the word house, and the word home"];

    private static readonly string[] s_nonsense =
        ["", "{", "[]", "{\"model\": \"nobody\", \"prompt\": \"x\"}", "{\"model\": \"ling\", \"prompt\": 5}", "{\"model\": \"ling\", \"prompt\": \"x\", \"n\": -1}"];

    private readonly ConcurrentBag<string> _wrong = [];
    private int _good;
    private int _cancelled;
    private int _refused;

    [Test]
    [Category("soak")]
    public async Task A_minute_of_trouble_leaves_no_trace()
    {
        await using TestHost test = await TestHost.StartAsync(TestHost.Options with
        {
            Serving = new ServingOptions { MaxSequences = 8, MaxTokensPerStep = 64, KvCacheBytes = 1 << 20, BlockTokens = 16, MaxWaiting = 64 },
            LogLevel = Microsoft.Extensions.Logging.LogLevel.Error,
        });
        InferenceEngine engine = test.Host.Services.Models.All[0].Engine;
        Dictionary<string, string> alone = [];
        foreach (string body in Good())
        {
            alone.Add(body, await StreamedText.AskAsync(test.Client, body));
        }

        long started = System.Diagnostics.Stopwatch.GetTimestamp();
        await RunClientsAsync(test, alone, started, WarmUp, seed: 1);
        long before = await SettleAsync(engine);
        await RunClientsAsync(test, alone, started, Duration, seed: 1000);
        long after = await SettleAsync(engine);

        TestContext.Out.WriteLine(
            $"{_good} good answers, {_cancelled} cancelled, {_refused} refused; resident {before >> 20} MiB after warm-up, {after >> 20} MiB at the end; {engine.Statistics().Preemptions} preemptions");
        EngineStatistics statistics = engine.Statistics();
        Assert.Multiple(() =>
        {
            Assert.That(_wrong.Take(3), Is.Empty);
            Assert.That(Math.Min(_good, Math.Min(_cancelled, _refused)), Is.GreaterThan(10));
            Assert.That((statistics.Running, statistics.Waiting, statistics.BlocksUsed), Is.EqualTo((0, 0, 0)));
            Assert.That(statistics.BlocksFree + statistics.BlocksCached, Is.EqualTo(statistics.BlocksTotal));
            Assert.That(engine.CheckIntegrity(), Is.Null);
            Assert.That(after, Is.LessThanOrEqualTo(before * MostGrowth), "resident bytes");
        });
    }

    private static IEnumerable<string> Good() =>
        s_prompts.SelectMany((prompt, i) => new[] { StreamedText.Body(prompt, i, 10 + (i * 12), true), StreamedText.Body(prompt, i + 50, 30, false) });

    private Task RunClientsAsync(TestHost test, Dictionary<string, string> alone, long started, TimeSpan until, int seed) =>
        Task.WhenAll(Enumerable.Range(0, NumClients).Select(i => Task.Run(() => RunClientAsync(test, alone, started, until, new Random(seed + i)))));

    private async Task RunClientAsync(TestHost test, Dictionary<string, string> alone, long started, TimeSpan until, Random random)
    {
        string[] bodies = [.. alone.Keys];
        while (System.Diagnostics.Stopwatch.GetElapsedTime(started) < until)
        {
            string body = bodies[random.Next(bodies.Length)];
            try
            {
                switch (random.Next(6))
                {
                    case 0:
                        await CancelAsync(test, body, random);
                        Interlocked.Increment(ref _cancelled);
                        break;
                    case 1:
                        await VanishAsync(test, body, random);
                        Interlocked.Increment(ref _cancelled);
                        break;
                    case 2:
                        using (HttpResponseMessage response = await StreamedText.SendAsync(test.Client, s_nonsense[random.Next(s_nonsense.Length)], CancellationToken.None))
                        {
                            Note((int)response.StatusCode is 400 or 404, $"nonsense got {(int)response.StatusCode}");
                        }

                        Interlocked.Increment(ref _refused);
                        break;
                    default:
                        string answer = await StreamedText.AskAsync(test.Client, body);
                        Note(answer == alone[body], $"{body} got '{answer}', alone '{alone[body]}'");
                        Interlocked.Increment(ref _good);
                        break;
                }
            }
            catch (Exception exception) when (exception is HttpRequestException or InvalidDataException or IOException)
            {
                Note(false, $"{body}: {exception}");
            }
        }
    }

    private void Note(bool isRight, string what)
    {
        if (!isRight)
        {
            _wrong.Add(what);
        }
    }

    private static async Task CancelAsync(TestHost test, string body, Random random)
    {
        using CancellationTokenSource cancel = new();
        try
        {
            cancel.CancelAfter(random.Next(1, 80));
            using HttpResponseMessage response = await StreamedText.SendAsync(test.Client, body, cancel.Token);
            await response.Content.ReadAsStringAsync(cancel.Token);
        }
        catch (OperationCanceledException)
        {
            // As meant.
        }
    }

    private static async Task VanishAsync(TestHost test, string body, Random random)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(body);
        byte[] request = [.. Encoding.ASCII.GetBytes($"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {bytes.Length}\r\n\r\n"), .. bytes];
        using RawConnection connection = await RawConnection.OpenAsync(new IPEndPoint(IPAddress.Loopback, test.Host.Address.Port));
        await connection.SendAsync(request[..random.Next(1, request.Length + 1)]);
        await Task.Delay(random.Next(0, 60));
        connection.Reset();
    }

    /// <summary>Waits until nothing runs; then what is resident, without garbage.</summary>
    private static async Task<long> SettleAsync(InferenceEngine engine)
    {
        using CancellationTokenSource patience = new(TimeSpan.FromSeconds(30));
        while (engine.Statistics() is { } statistics && statistics.Running + statistics.Waiting + statistics.Preempted + statistics.BlocksUsed > 0)
        {
            await Task.Delay(20, patience.Token);
        }

        GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        GC.WaitForPendingFinalizers();
        GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        using System.Diagnostics.Process process = System.Diagnostics.Process.GetCurrentProcess();
        return process.WorkingSet64;
    }
}
