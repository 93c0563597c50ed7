using Moesaic.Scheduling;
using EndReason = Moesaic.Scheduling.FinishReason;

namespace Moesaic.Engine;

/// <summary>
/// The thread that schedules, runs and publishes. A step is always made and enqueued while the one before it runs. Other
/// threads reach it through queues without locks; it never runs their code and, while it decodes, allocates nothing.
/// </summary>
internal sealed class EngineLoop : ISchedulerObserver, IDisposable
{
    private readonly IStepExecutor _executor;
    private readonly Scheduler _scheduler;
    private readonly TimeProvider _clock;
    private readonly SubmissionQueue<ServedRequest> _submissions;
    private readonly Queue<ScheduledStep> _inFlight = new(Scheduler.MaxStepsInFlight);
    private readonly List<Sequence> _ended;
    private readonly HashSet<Request> _live;
    private readonly LoopOrders _orders = new();
    private readonly AutoResetEvent _wake = new(false);
    private readonly Thread _thread;
    private TokenStream? _toStop;
    private ScheduledStep? _notEnqueued;
    private Exception? _failure;
    private Exception? _stepFailure;
    private long _numRefused;
    private bool _refusing;
    private int _sleeping;
    private int _stopping;

    /// <param name="options">Bounds and policy of the scheduler.</param>
    /// <param name="executor">Runs the steps; disposed with the loop.</param>
    /// <param name="clock">For queueing times and deadlines.</param>
    /// <param name="submissionCapacity">Requests that may be handed in between two steps; a power of two.</param>
    public EngineLoop(SchedulerOptions options, IStepExecutor executor, TimeProvider clock, int submissionCapacity = 1024)
    {
        _executor = executor;
        _clock = clock;
        _scheduler = new Scheduler(options, clock, this);
        _submissions = new SubmissionQueue<ServedRequest>(submissionCapacity);
        _ended = new List<Sequence>(options.MaxSequences);
        _live = new HashSet<Request>(options.MaxWaiting + options.MaxSequences);
        _thread = new Thread(Run) { Name = "Moesaic engine", IsBackground = true };
        _thread.Start();
    }

    /// <summary>The scheduler, for its gauges and counters; everything else belongs to the loop's thread.</summary>
    public Scheduler Scheduler => _scheduler;

    /// <summary>What ended the loop; null while it runs.</summary>
    public Exception? Failure => Volatile.Read(ref _failure);

    /// <summary>Requests refused before the scheduler saw them.</summary>
    public long NumRefused => Interlocked.Read(ref _numRefused);

    /// <summary>Hands a request in. Any thread.</summary>
    /// <param name="options">What the scheduler is asked for.</param>
    /// <param name="draws">Makes the settings of a sample's draws; null: the executor needs none.</param>
    /// <param name="scores">Where log-probabilities of the prompt go, if wanted.</param>
    /// <param name="maxUnread">Tokens of a sample that may wait for its reader; null: all.</param>
    /// <exception cref="ArgumentException">A value is impossible, whatever the engine's bounds.</exception>
    /// <exception cref="InvalidOperationException">The loop has ended.</exception>
    public ServedRequest Submit(RequestOptions options, Func<Sequence, DrawState>? draws = null, PromptScores? scores = null, int? maxUnread = null)
    {
        ServedRequest request = new(this, _scheduler.Prepare(options), _clock.GetTimestamp(), draws, scores, maxUnread ?? int.MaxValue);
        ThrowIfEnded();
        if (Volatile.Read(ref _refusing))
        {
            Refuse(request, new SubmitResult(RejectionReason.Draining, TimeSpan.Zero, 0, 0));
            return request;
        }

        if (!_submissions.TryAdd(request))
        {
            Refuse(request, new SubmitResult(RejectionReason.QueueFull, TimeSpan.FromSeconds(1), _submissions.Capacity, _submissions.Capacity));
            return request;
        }

        Wake();
        if (Volatile.Read(ref _stopping) == 2)
        {
            // The loop may have ended before it saw this one.
            request.Fail(Failure ?? new ObjectDisposedException(nameof(EngineLoop)));
        }

        return request;
    }

    /// <summary>Takes no request any more; what was taken goes on. Any thread.</summary>
    public void StopAdmitting() => Volatile.Write(ref _refusing, true);

    /// <summary>Done when every request that was taken has ended. Any thread; after <see cref="StopAdmitting"/>.</summary>
    public Task WhenIdle()
    {
        Task idle = _orders.AddIdle();
        Wake();
        return idle;
    }

    /// <summary>Cancels every request that was taken. Any thread; after <see cref="StopAdmitting"/>.</summary>
    public void CancelAllRequests()
    {
        _orders.AddCancelAll();
        Wake();
    }

    /// <summary>Recounts blocks on the loop's thread, between two steps.</summary>
    /// <returns>What is wrong, or null.</returns>
    public Task<string?> CheckIntegrityAsync()
    {
        Task<string?> check = _orders.AddCheck();
        Wake();
        return check;
    }

    /// <summary>Ends the loop: what lives is cancelled, the step in flight is awaited.</summary>
    public void Dispose()
    {
        Interlocked.CompareExchange(ref _stopping, 1, 0);
        Wake();
        _thread.Join();
        _wake.Dispose();
    }

    void ISchedulerObserver.OnAdmitted(Sequence sequence, int cachedTokens)
    {
        // Samples that share a prompt come in after the one that computed it.
        if (sequence.Sample == 0)
        {
            ((TokenStream)sequence.Tag!).Owner.NoteAdmission(_clock.GetTimestamp(), cachedTokens);
        }
    }

    void ISchedulerObserver.OnFinished(Sequence sequence) => _ended.Add(sequence);

    /// <summary>Asks for the end of a sample. Any thread; a stream asks once.</summary>
    internal void Stop(TokenStream stream)
    {
        TokenStream? first = Volatile.Read(ref _toStop);
        while (true)
        {
            stream.NextToStop = first;
            TokenStream? seen = Interlocked.CompareExchange(ref _toStop, stream, first);
            if (seen == first)
            {
                break;
            }

            first = seen;
        }

        Wake();
    }

    private void Run()
    {
        try
        {
            while (Volatile.Read(ref _stopping) == 0)
            {
                if (!Turn())
                {
                    Sleep();
                }
            }

            CancelAll();
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            // Callers must not wait for ever for a loop that is gone.
            Volatile.Write(ref _failure, failure);
        }
        finally
        {
            Volatile.Write(ref _stopping, 2);
            FailAll();
            _orders.Close();
            _executor.Dispose();
        }
    }

    /// <summary>Schedules, enqueues, and collects a step when as many as may be are in flight or no further one can be made.</summary>
    /// <returns>Whether there was anything to do.</returns>
    private bool Turn()
    {
        // Stops first: whoever asked for one handed in the request before.
        TokenStream? stops = Interlocked.Exchange(ref _toStop, null);
        bool any = TakeSubmissions() | stops is not null;
        Finish(stops);
        TakeOrders();
        ScheduledStep? step = null;
        if (_notEnqueued is null && _inFlight.Count < Scheduler.MaxStepsInFlight)
        {
            step = _scheduler.Schedule();
            PublishEnds();
        }

        if (step is not null)
        {
            Enqueue(step);
        }

        if (_inFlight.Count == 0 || (step is not null && _notEnqueued is null && _inFlight.Count < Scheduler.MaxStepsInFlight))
        {
            return any | step is not null;
        }

        CollectOldest();
        return true;
    }

    private void TakeOrders()
    {
        if (_orders.TakeCancelAll())
        {
            CancelLive();
        }

        if (_orders.WantsCheck)
        {
            _orders.AnswerChecks(Check());
        }

        if (_orders.WantsIdle && _live.Count == 0 && _inFlight.Count == 0 && _submissions.IsEmpty)
        {
            _orders.TellIdle();
        }
    }

    private string? Check()
    {
        string? wrong = _scheduler.CheckIntegrity();
        for (int g = 0; g < _scheduler.NumKvGroups && wrong is null && !_scheduler.HasWork; g++)
        {
            int used = _scheduler.BlocksOf(g).Used;
            wrong = used > 0 ? $"{used} blocks of cache group {g} are in use although nothing runs" : null;
        }

        return wrong;
    }

    private void Refuse(ServedRequest request, SubmitResult result)
    {
        Interlocked.Increment(ref _numRefused);
        request.Decide(result);
    }

    private bool TakeSubmissions()
    {
        bool any = false;
        while (_submissions.TryTake(out ServedRequest? request))
        {
            SubmitResult result = _scheduler.Submit(request.Request);
            if (result.IsAccepted)
            {
                _live.Add(request.Request);
            }

            request.Decide(result);
            any = true;
        }

        return any;
    }

    private void Finish(TokenStream? stream)
    {
        while (stream is not null)
        {
            TokenStream? next = stream.NextToStop;
            if (stream.Sequence.State != SequenceState.Created)
            {
                _scheduler.Finish(stream.Sequence, stream.StopReason);
            }
            else if (stream.End == EndReason.None)
            {
                // Handed in, but the cell before it is still being written: try again in the next turn.
                Stop(stream);
            }

            stream = next;
        }

        PublishEnds();
    }

    private void Enqueue(ScheduledStep step)
    {
        _inFlight.Enqueue(step);
        try
        {
            _executor.Enqueue(step);
        }
        catch (Exception failure) when (!_executor.IsLost)
        {
            _notEnqueued = step;
            _stepFailure = failure;
        }
    }

    private void CollectOldest()
    {
        ScheduledStep step = _inFlight.Dequeue();
        if (step == _notEnqueued || TryCollect(step) is not { } results)
        {
            _notEnqueued = _notEnqueued == step ? null : _notEnqueued;
            _scheduler.Abort(step);
        }
        else
        {
            Publish(_scheduler.Complete(step, results.Ids), results);
        }

        PublishEnds();
        _stepFailure = null;
    }

    private void Publish(ReadOnlySpan<SequenceOutput> outputs, StepResults results)
    {
        long now = _clock.GetTimestamp();
        foreach (ref readonly SequenceOutput output in outputs)
        {
            TokenStream stream = (TokenStream)output.Sequence.Tag!;
            int sample = output.Sample;
            stream.Owner.NoteToken(now);
            stream.Publish(output.TokenId, results.Logprobs[sample], results.AlternativeIds(sample), results.AlternativeLogprobs(sample));
        }

        foreach (PromptScores scores in results.Scored)
        {
            scores.Complete();
        }
    }

    /// <summary>A failed step costs the requests in it; the loop goes on unless the device is lost.</summary>
    private StepResults? TryCollect(ScheduledStep step)
    {
        try
        {
            return _executor.Collect(step);
        }
        catch (Exception failure) when (!_executor.IsLost)
        {
            _stepFailure = failure;
            return null;
        }
    }

    /// <summary>Tells readers of ends, after their last tokens.</summary>
    private void PublishEnds()
    {
        foreach (Sequence sequence in _ended)
        {
            TokenStream stream = (TokenStream)sequence.Tag!;
            stream.Finish(sequence.Finish, sequence.Finish == EndReason.Error ? _stepFailure ?? NothingToDraw() : null);
            if (sequence.Request.NumLive == 0)
            {
                _live.Remove(sequence.Request);
                stream.Owner.Scores?.End();
            }
        }

        _ended.Clear();
    }

    private static InvalidOperationException NothingToDraw() =>
        new("No token was left to draw: allowed ids and biases forbid all, or the model's logits are no numbers.");

    private void CancelLive()
    {
        foreach (Request request in _live.ToArray())
        {
            _scheduler.Cancel(request);
        }

        PublishEnds();
    }

    private void CancelAll()
    {
        TakeSubmissions();
        CancelLive();
        while (_inFlight.Count > 0)
        {
            CollectOldest();
        }
    }

    private void FailAll()
    {
        Exception failure = _failure ?? new ObjectDisposedException(nameof(EngineLoop));
        foreach (TokenStream stream in _live.SelectMany(static r => r.Sequences).Select(static s => (TokenStream)s.Tag!))
        {
            if (stream.End == EndReason.None)
            {
                stream.Finish(EndReason.Error, failure);
            }

            stream.Owner.Scores?.End();
        }

        while (_submissions.TryTake(out ServedRequest? request))
        {
            request.Fail(failure);
        }
    }

    private void Sleep()
    {
        Interlocked.Exchange(ref _sleeping, 1);
        if (_submissions.IsEmpty && _orders.IsEmpty && Volatile.Read(ref _toStop) is null && Volatile.Read(ref _stopping) == 0)
        {
            _wake.WaitOne();
        }

        Volatile.Write(ref _sleeping, 0);
    }

    private void Wake()
    {
        if (Interlocked.Exchange(ref _sleeping, 0) == 1)
        {
            _wake.Set();
        }
    }

    private void ThrowIfEnded()
    {
        if (Volatile.Read(ref _stopping) != 0)
        {
            throw new InvalidOperationException("The engine has ended.", Failure);
        }
    }
}
