using System.Net;
using System.Text.Json;
using Moesaic.Engine;
using Moesaic.TestSupport;

namespace Moesaic.Server.Tests.OpenAi;

/// <summary>/v1/embeddings when there is too much, too little time, or an end in sight: the encoder's step is held up for as long as a test likes.</summary>
internal sealed class EmbeddingPressureTests
{
    private const string One = "{\"input\":\"a river\"}";

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    [Test]
    public async Task A_full_queue_is_429_and_says_when_to_try_again()
    {
        await using HeldEncoder held = await HeldEncoder.StartAsync(TestHost.Options with { MaxWaitingTexts = 2 });
        Task<HttpResponseMessage> running = await held.BeginAsync();
        Task<HttpResponseMessage> waiting = held.PostAsync("{\"input\":[\"a\",\"river\"]}");
        Assert.That(SpinWait.SpinUntil(() => held.Engine.WaitingTexts == 2, s_limit));
        await CheckAsync(await held.PostAsync(One), HttpStatusCode.TooManyRequests, "queue_full", "rate_limit_error", retryAfter: 1);
        held.Release();
        await CheckOkAsync(running, 1);
        await CheckOkAsync(waiting, 2);
        await CheckOkAsync(held.PostAsync(One), 1);

        // What could never wait is no matter of time.
        await CheckAsync(await held.PostAsync("{\"input\":[\"a\",\"a\",\"a\"]}"), HttpStatusCode.BadRequest, "invalid_value", "invalid_request_error");
    }

    [Test]
    public async Task Time_that_runs_out_is_504()
    {
        ManualClock clock = new();
        await using HeldEncoder held = await HeldEncoder.StartAsync(
            TestHost.Options with { RequestTimeout = TimeSpan.FromSeconds(10), Serving = TestHost.Options.Serving with { Clock = clock } });
        Task<HttpResponseMessage> running = await held.BeginAsync();
        clock.Advance(TimeSpan.FromSeconds(9));
        Assert.That(running.IsCompleted, Is.False);
        clock.Advance(TimeSpan.FromSeconds(2));
        await CheckAsync(await running, HttpStatusCode.GatewayTimeout, "deadline_exceeded", "timeout_error");
        held.Release();
        await CheckOkAsync(held.PostAsync(One), 1);
    }

    [Test]
    public async Task A_drain_waits_for_running_calls_and_refuses_new_ones()
    {
        await using HeldEncoder held = await HeldEncoder.StartAsync(TestHost.Options);
        Task<HttpResponseMessage> running = await held.BeginAsync();
        Task stopped = held.Host.StopAsync(s_limit);
        await CheckAsync(await held.PostAsync(One), HttpStatusCode.ServiceUnavailable, "draining", "unavailable_error", retryAfter: 10);
        Assert.That((stopped.IsCompleted, running.IsCompleted), Is.EqualTo((false, false)));
        held.Release();
        await CheckOkAsync(running, 1);
        await stopped;
    }

    [Test]
    public async Task A_drain_gives_up_what_takes_too_long()
    {
        await using HeldEncoder held = await HeldEncoder.StartAsync(TestHost.Options);
        Task<HttpResponseMessage> running = await held.BeginAsync();
        Task drained = held.Host.Services.Models.DrainAsync(TimeSpan.Zero);
        await CheckAsync(await running, HttpStatusCode.ServiceUnavailable, "draining", "unavailable_error", retryAfter: 10);
        await drained.WaitAsync(s_limit);
    }

    private static async Task CheckOkAsync(Task<HttpResponseMessage> call, int count)
    {
        using HttpResponseMessage response = await call;
        string text = await response.Content.ReadAsStringAsync();
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.OK), text);
        Assert.That(JsonElement.Parse(text).GetProperty("data").GetArrayLength(), Is.EqualTo(count));
    }

    private static async Task CheckAsync(HttpResponseMessage response, HttpStatusCode status, string code, string type, int? retryAfter = null)
    {
        using (response)
        {
            string text = await response.Content.ReadAsStringAsync();
            Assert.That(response.StatusCode, Is.EqualTo(status), text);
            JsonElement error = JsonElement.Parse(text).GetProperty("error");
            Assert.That((error.GetProperty("code").GetString(), error.GetProperty("type").GetString()), Is.EqualTo((code, type)));
            Assert.That(response.Headers.RetryAfter?.Delta?.TotalSeconds, Is.EqualTo((double?)retryAfter));
        }
    }

    /// <summary>A host with an encoder whose steps wait for <see cref="Release"/>.</summary>
    private sealed class HeldEncoder : IAsyncDisposable
    {
        private readonly TemporaryFolder _folder = new();
        private readonly TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly ManualResetEventSlim _released = new();
        private TestHost _host = null!;

        public ServiceHost Host => _host.Host;

        public EmbeddingEngine Engine => Host.Services.Models.Encoders[0].Engine;

        public static async Task<HeldEncoder> StartAsync(ServerOptions options)
        {
            HeldEncoder held = new();
            held._host = await TestHost.StartAsync(options with { Models = [new ModelSource("small", SmallEncoder.Write(held._folder.Path))] });
            held.Engine.BeforeStep = () =>
            {
                held._begun.TrySetResult();
                held._released.Wait();
            };
            return held;
        }

        public Task<HttpResponseMessage> PostAsync(string body) => _host.PostAsync("/v1/embeddings", body);

        /// <summary>A call whose step has begun.</summary>
        public async Task<Task<HttpResponseMessage>> BeginAsync()
        {
            Task<HttpResponseMessage> call = PostAsync(One);
            await _begun.Task.WaitAsync(s_limit);
            return call;
        }

        public void Release() => _released.Set();

        public async ValueTask DisposeAsync()
        {
            Release();
            await _host.DisposeAsync();
            _released.Dispose();
            _folder.Dispose();
        }
    }
}
