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
    private readonly SubmissionQueue<ServedRequest> _submissions;
    private readonly Queue<ScheduledStep> _inFlight = new(Scheduler.MaxStepsInFlight);
    private readonly List<Sequence> _ended;
    private readonly HashSet<Request> _live;
    private readonly int[] _sampled;
    private readonly AutoResetEvent _wake = new(false);
    private readonly Thread _thread;
    private TokenStream? _toStop;
    private ScheduledStep? _notEnqueued;
    private Exception? _failure;
    private int _sleeping;
    private int _stopping;

    /// <param name="options">Bounds and policy of the scheduler.</param>
    /// <param name="executor">Runs the steps; disposed with the loop.</param>
    /// <param name="clock">For queueing times and deadlines.</param>
    /// <param name="submissionCapacity">Requests that may be handed in between two steps; a power of two.</param>
    public EngineLoop(SchedulerOptions options, IStepExecutor executor, TimeProvider clock, int submissionCapacity = 1024)
    {
        _executor = executor;
        _scheduler = new Scheduler(options, clock, this);
        _submissions = new SubmissionQueue<ServedRequest>(submissionCapacity);
        _sampled = new int[options.MaxSequences];
        _ended = new List<Sequence>(options.MaxSequences);
        _live = new HashSet<Request>(options.MaxWaiting + options.MaxSequences);
        _thread = new Thread(Run) { Name = "Moesaic engine", IsBackground = true };
        _thread.Start();
    }

    /// <summary>The scheduler, for its gauges and counters; everything else belongs to the loop's thread.</summary>
    public Scheduler Scheduler => _scheduler;

    /// <summary>What ended the loop; null while it runs.</summary>
    public Exception? Failure => Volatile.Read(ref _failure);

    /// <summary>Hands a request in. Any thread.</summary>
    /// <exception cref="ArgumentException">A value is impossible, whatever the engine's bounds.</exception>
    /// <exception cref="InvalidOperationException">The loop has ended.</exception>
    public ServedRequest Submit(RequestOptions options)
    {
        ServedRequest request = new(this, _scheduler.Prepare(options));
        ThrowIfEnded();
        if (!_submissions.TryAdd(request))
        {
            request.Decide(new SubmitResult(RejectionReason.QueueFull, TimeSpan.FromSeconds(1), _submissions.Capacity, _submissions.Capacity));
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

    /// <summary>Ends the loop: what lives is cancelled, the step in flight is awaited.</summary>
    public void Dispose()
    {
        Interlocked.CompareExchange(ref _stopping, 1, 0);
        Wake();
        _thread.Join();
        _wake.Dispose();
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
        catch (Exception) when (!_executor.IsLost)
        {
            _notEnqueued = step;
        }
    }

    private void CollectOldest()
    {
        ScheduledStep step = _inFlight.Dequeue();
        if (step == _notEnqueued || !TryCollect(step))
        {
            _notEnqueued = _notEnqueued == step ? null : _notEnqueued;
            _scheduler.Abort(step);
        }
        else
        {
            foreach (SequenceOutput output in _scheduler.Complete(step, _sampled.AsSpan(0, step.NumSamples)))
            {
                ((TokenStream)output.Sequence.Tag!).Publish(output.TokenId);
            }
        }

        PublishEnds();
    }

    /// <summary>A failed step costs the requests in it; the loop goes on unless the device is lost.</summary>
    private bool TryCollect(ScheduledStep step)
    {
        try
        {
            _executor.Collect(step, _sampled.AsSpan(0, step.NumSamples));
            return true;
        }
        catch (Exception) when (!_executor.IsLost)
        {
            return false;
        }
    }

    /// <summary>Tells readers of ends, after their last tokens.</summary>
    private void PublishEnds()
    {
        foreach (Sequence sequence in _ended)
        {
            ((TokenStream)sequence.Tag!).Finish(sequence.Finish);
            if (sequence.Request.NumLive == 0)
            {
                _live.Remove(sequence.Request);
            }
        }

        _ended.Clear();
    }

    private void CancelAll()
    {
        TakeSubmissions();
        foreach (Request request in _live.ToArray())
        {
            _scheduler.Cancel(request);
        }

        PublishEnds();
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
                stream.Finish(EndReason.Error);
            }
        }

        while (_submissions.TryTake(out ServedRequest? request))
        {
            request.Fail(failure);
        }
    }

    private void Sleep()
    {
        Interlocked.Exchange(ref _sleeping, 1);
        if (_submissions.IsEmpty && Volatile.Read(ref _toStop) is null && Volatile.Read(ref _stopping) == 0)
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
