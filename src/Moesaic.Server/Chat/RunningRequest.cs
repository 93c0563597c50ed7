using System.Diagnostics;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Moesaic.Engine;
using Moesaic.Models;
using Moesaic.Models.ChatTemplates;
using Moesaic.Models.Tokenizers;
using Moesaic.Scheduling;
using Moesaic.Server.Catalog;
using Moesaic.Server.Errors;
using Moesaic.Server.Metrics;
using Moesaic.Server.Routing;
using Moesaic.Server.Streaming;
using FinishReason = Moesaic.Engine.FinishReason;

namespace Moesaic.Server.Chat;

/// <summary>
/// A request of a protocol while the engine works on it: one generation for each of its prompts. Whoever leaves it (the client
/// gone, a failure, the end) frees whatever still runs.
/// </summary>
internal sealed partial class RunningRequest : IAsyncDisposable
{
    private readonly RequestContext _context;
    private readonly RequestMeter[] _meters;
    private readonly int[] _live;
    private readonly int[] _generationOf;
    private readonly IAsyncEnumerator<SampleEvent> _events;

    private RunningRequest(RequestContext context, IReadOnlyList<Generation> generations, RequestMeter[] meters)
    {
        _context = context;
        _meters = meters;
        Generations = generations;
        Samples = [.. generations.SelectMany(static g => g.Samples)];
        _live = [.. generations.Select(static g => g.Samples.Length)];
        _generationOf = [.. generations.SelectMany(static (g, i) => Enumerable.Repeat(i, g.Samples.Length))];
        _events = SampleMerger.Merge(Samples, context.Aborted);
    }

    /// <summary>One for each prompt.</summary>
    public IReadOnlyList<Generation> Generations { get; }

    /// <summary>The answers to all prompts, in the prompts' order.</summary>
    public IReadOnlyList<GenerationSample> Samples { get; }

    /// <summary>The step that <see cref="NextAsync"/> found.</summary>
    public SampleEvent Current { get; private set; }

    /// <summary>Whether an answer called a tool; metrics tell such ends apart.</summary>
    public bool CalledTools { get; set; }

    /// <summary>Tokens of all prompts.</summary>
    public int NumPromptTokens => Generations.Sum(static g => g.NumPromptTokens);

    /// <summary>Of these, tokens that the prefix cache held; known once there are tokens.</summary>
    public int NumCachedTokens => Generations.Sum(static g => g.NumCachedTokens);

    /// <summary>Tokens drawn so far, end tokens included.</summary>
    public int NumGenerated => Samples.Sum(static s => s.NumGenerated);

    /// <summary>Hands the prompts to the engine and waits until all are taken.</summary>
    /// <param name="context">The request.</param>
    /// <param name="model">The model.</param>
    /// <param name="requests">One for each prompt; tenant and time limits are set here.</param>
    /// <param name="param">The field that the prompts came in, for refusals.</param>
    /// <exception cref="ApiException">A prompt is refused; then none runs.</exception>
    public static async Task<RunningRequest> SubmitAsync(RequestContext context, ServedModel model, IReadOnlyList<GenerationRequest> requests, string param)
    {
        TimeSpan? limit = context.TimeLeft;
        RequestMeter[] meters = [.. requests.Select(r => context.Metrics.Begin(model, r.NumSamples))];
        List<Generation> generations = new(requests.Count);
        try
        {
            foreach (GenerationRequest request in requests)
            {
                generations.Add(Submit(model, request with { Tenant = context.Tenant, Timeout = limit, MaxUnreadTokens = context.Streams ? context.Options.MaxUnreadTokens : null }, param));
            }

            foreach (Generation generation in generations)
            {
                SubmitResult result = await Admission(generation, context.Aborted).ConfigureAwait(false);
                if (!result.IsAccepted)
                {
                    throw result.Reason == RejectionReason.TooManySamples ? ApiException.Invalid("n", result.Message) : ApiException.Rejected(result);
                }
            }
        }
        catch
        {
            generations.ForEach(static g => g.Cancel());
            Array.ForEach(meters, meter => meter.Finish(context.Aborted.IsCancellationRequested ? FinishLabels.Abort : FinishLabels.Rejected));
            throw;
        }

        return new RunningRequest(context, generations, meters);
    }

    /// <summary>Runs what turns a request into token ids; what it refuses becomes a 400.</summary>
    /// <param name="param">The field that is wrong then.</param>
    /// <param name="encode">Renders or tokenizes.</param>
    public static T Encode<T>(string param, Func<T> encode)
    {
        try
        {
            return encode();
        }
        catch (Exception e) when (e is ArgumentException or FormatException or TokenizationException or ChatTemplateException)
        {
            throw ApiException.Invalid(param, e.Message);
        }
        catch (ModelFormatException e)
        {
            throw ApiException.NotSupported(param, e.Message);
        }
    }

    /// <summary>Waits for the next step of any answer. Whatever was written is sent before it waits for the engine.</summary>
    /// <returns>Whether there is one; false once all answers have ended.</returns>
    /// <exception cref="ApiException">An answer failed, ran out of time or was cut off by the host.</exception>
    /// <exception cref="OperationCanceledException">The client went away.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<bool> NextAsync(SseWriter? sse = null)
    {
        ValueTask<bool> next = _events.MoveNextAsync();
        if (sse is { HasBegun: true } && (!next.IsCompleted || sse.WantsFlush))
        {
            try
            {
                await sse.FlushAsync(_context.Aborted).ConfigureAwait(false);
            }
            catch
            {
                // A stream cannot be given up while it is being waited for.
                Cancel();
                await next.ConfigureAwait(false);
                throw;
            }
        }

        if (!(sse is null || next.IsCompleted ? await next.ConfigureAwait(false) : await WaitAsync(next, sse).ConfigureAwait(false)))
        {
            return false;
        }

        Current = _events.Current;
        int generation = _generationOf[Current.Sample];
        if (Current.Event.Token is not null)
        {
            _meters[generation].Token(Current.Sample - Array.IndexOf(_generationOf, generation));
        }

        if (Current.Event.Finish != FinishReason.None)
        {
            End(generation, Samples[Current.Sample]);
        }

        return true;
    }

    // Meanwhile the stream may give signs of life.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private static async ValueTask<bool> WaitAsync(ValueTask<bool> next, SseWriter sse)
    {
        sse.BeginWait();
        try
        {
            return await next.ConfigureAwait(false);
        }
        finally
        {
            await sse.EndWaitAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Ends all answers; their blocks are free within one step.</summary>
    public void Cancel()
    {
        foreach (Generation generation in Generations)
        {
            generation.Cancel();
        }
    }

    public async ValueTask DisposeAsync()
    {
        Cancel();
        await _events.DisposeAsync().ConfigureAwait(false);
        if (Samples.Any(static s => s.FellBehind))
        {
            LogFellBehind(_context.Log, _context.Options.MaxUnreadTokens, _context.RequestId);
        }

        FinishMeters(_context.Aborted.IsCancellationRequested ? FinishLabels.Abort : FinishLabels.Error);
    }

    private static Generation Submit(ServedModel model, GenerationRequest request, string param)
    {
        try
        {
            return model.Engine.Submit(request);
        }
        catch (ArgumentException e)
        {
            throw ApiException.Invalid(param, e.Message);
        }
        catch (ModelFormatException e)
        {
            throw ApiException.NotSupported(param, e.Message);
        }
        catch (InvalidOperationException e)
        {
            throw EngineEnded(e);
        }
    }

    private static async Task<SubmitResult> Admission(Generation generation, CancellationToken aborted)
    {
        try
        {
            return await generation.Admission.WaitAsync(aborted).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            throw EngineEnded(e);
        }
    }

    private static ApiException EngineEnded(Exception cause) =>
        new(503, ErrorCodes.EngineFailed, "the model's engine has ended; the host must be restarted", cause: cause);

    private void End(int generation, GenerationSample sample)
    {
        switch (sample.Finish)
        {
            case FinishReason.TimedOut:
                FinishMeters(FinishLabels.Timeout);
                throw new ApiException(504, ErrorCodes.DeadlineExceeded, "the request's time ran out before its answer was complete; ask for fewer tokens or try again later");
            case FinishReason.Failed:
                FinishMeters(FinishLabels.Error);
                throw new ApiException(500, ErrorCodes.EngineFailed, "the engine failed on this request; the host's log says why under the request's id", cause: sample.Error ?? new UnreachableException("The engine gave no reason."));
            case FinishReason.Cancelled:
                _context.Aborted.ThrowIfCancellationRequested();
                if (sample.FellBehind)
                {
                    FinishMeters(FinishLabels.Abort);
                    throw new ApiException(408, ErrorCodes.ReaderTooSlow, $"the answer was cut off because its stream was not read: more than {_context.Options.MaxUnreadTokens} tokens waited; read faster");
                }

                FinishMeters(FinishLabels.Abort);
                throw new ApiException(503, ErrorCodes.Draining, "the host is shutting down and has cut this answer off");
        }

        if (--_live[generation] == 0)
        {
            string label = CalledTools ? FinishLabels.ToolCalls : sample.Finish == FinishReason.Length ? FinishLabels.Length : FinishLabels.Stop;
            _meters[generation].Finish(label, Generations[generation].TimeInQueue);
        }
    }

    private void FinishMeters(string label)
    {
        for (int i = 0; i < _meters.Length; i++)
        {
            _meters[i].Finish(label, Generations[i].TimeInQueue);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "cancelled because its client did not read: more than {Tokens} tokens waited; request {RequestId}")]
    private static partial void LogFellBehind(ILogger logger, int tokens, string requestId);
}
