using System.Runtime.CompilerServices;

namespace Moesaic.Scheduling;

/// <summary>
/// Continuous batching: decides, step by step, which tokens of which sequences are computed and in which cache blocks.
/// Steps overlap: <see cref="Schedule"/> makes the next one while the one before is in flight and its draws are not known;
/// <see cref="Complete"/> hands these in afterwards. What a request gets never depends on the others, only when.
/// </summary>
/// <remarks>One thread at a time, except <see cref="Prepare"/>. Steps allocate nothing. See the page one-step-in-flight in src/decisions.</remarks>
public sealed class Scheduler
{
    /// <summary>Steps that may be scheduled and not complete.</summary>
    public const int MaxStepsInFlight = 2;

    private readonly SchedulerOptions _options;
    private readonly TimeProvider _clock;
    private readonly long _origin;
    private readonly ISchedulerObserver _observer;
    private readonly KvManager _kv;
    private readonly Lifecycle _lifecycle;
    private readonly StepFiller _filler;
    private readonly ScheduledStep[] _steps;
    private readonly SequenceOutput[] _outputs;
    private long _lastScheduled;
    private long _lastCompleted;
    private int _expired;

    /// <param name="options">Bounds and policy.</param>
    /// <param name="clock">For queueing times and deadlines.</param>
    /// <param name="observer">Told what happens.</param>
    /// <exception cref="ArgumentException">A bound is impossible.</exception>
    public Scheduler(SchedulerOptions options, TimeProvider clock, ISchedulerObserver? observer = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(clock);
        options.Validate();
        _options = options;
        _clock = clock;
        _origin = clock.GetTimestamp();
        _observer = observer ?? new NoObserver();
        _kv = new KvManager(options, new PrefixHasher(options.HashKey));
        _lifecycle = new Lifecycle(options, _kv, _observer);
        _filler = new StepFiller(options, _lifecycle);
        _steps = [.. Enumerable.Range(0, MaxStepsInFlight).Select(_ => new ScheduledStep(options))];
        _outputs = new SequenceOutput[options.MaxSequences];
        Log = new StepLog(options.StepLogCapacity);
    }

    public SchedulerCounters Counters => _lifecycle.Counters;

    /// <summary>The latest steps.</summary>
    public StepLog Log { get; }

    /// <summary>Time since the scheduler was made.</summary>
    public TimeSpan Now => _clock.GetElapsedTime(_origin);

    public int NumRunning => _lifecycle.Running.Count;

    /// <summary>Requests that have never run.</summary>
    public int NumWaiting => _lifecycle.Waiting.Count;

    /// <summary>Sequences that lost their blocks and wait to be computed again.</summary>
    public int NumPreempted => _lifecycle.Preempted.Count;

    public int NumStepsInFlight => (int)(_lastScheduled - _lastCompleted);

    /// <summary>Whether anything runs or waits, or a step is in flight.</summary>
    public bool HasWork => NumRunning + NumWaiting + NumPreempted + NumStepsInFlight > 0;

    public int NumKvGroups => _kv.NumGroups;

    /// <summary>How the blocks of a group are used.</summary>
    public BlockUsage BlocksOf(int group)
    {
        BlockPool pool = _kv.Pool(group);
        return new BlockUsage(pool.NumFree, pool.NumUsed, pool.NumCached, pool.NumEvictions);
    }

    /// <summary>Makes a request of what is asked for; hashes the prompt. Safe from any thread.</summary>
    /// <exception cref="ArgumentException">A value is impossible, whatever the scheduler's bounds.</exception>
    public Request Prepare(RequestOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        int prompt = options.Prompt.Length;
        bool fits = prompt <= _options.MaxContext && options.NumSamples <= _options.MaxSequences;

        // The token drawn at the last position needs no position of its own.
        int most = Math.Max(0, _options.MaxContext - prompt + 1);
        int maxTokens = options.MaxTokens is { } asked ? Math.Min(asked, most) : Math.Clamp(_kv.Capacity - prompt + 1, 0, most);
        return fits
            ? new Request(options, _kv.Hash(options.Tenant, options.CacheSalt, options.Prompt.Span), maxTokens, Now)
            : new Request(options with { NumSamples = 1 }, PromptHashes.None, 0, Now) { AskedSamples = options.NumSamples };
    }

    /// <summary>Puts a request into the queue, or says why not.</summary>
    /// <exception cref="InvalidOperationException">It was submitted before.</exception>
    public SubmitResult Submit(Request request)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (request.Number != 0)
        {
            throw new InvalidOperationException($"Request {request.Number} was submitted before.");
        }

        TimeSpan now = Now;
        SubmitResult result = Check(request, now);
        if (result.IsAccepted)
        {
            _lifecycle.Enqueue(request, now);
        }
        else
        {
            Counters.RequestsRejected++;
        }

        return result;
    }

    /// <summary>Ends all samples of a request now, whatever their state; their blocks are free at once.</summary>
    public void Cancel(Request request, FinishReason reason = FinishReason.Cancelled)
    {
        ArgumentNullException.ThrowIfNull(request);
        CheckReason(reason);
        if (request.NumLive > 0)
        {
            _lifecycle.Finish(request, reason);
        }
    }

    /// <summary>Ends one sample, for a reason that the caller found: a stop string, a failed draw.</summary>
    public void Finish(Sequence sequence, FinishReason reason)
    {
        ArgumentNullException.ThrowIfNull(sequence);
        CheckReason(reason);
        if (sequence.State is not (SequenceState.Finished or SequenceState.Created))
        {
            _lifecycle.Finish(sequence, reason);
        }
    }

    /// <summary>The next step, or null if there is nothing to compute before the step in flight is complete, or at all.</summary>
    /// <exception cref="InvalidOperationException"><see cref="MaxStepsInFlight"/> steps are not complete.</exception>
    public ScheduledStep? Schedule()
    {
        if (NumStepsInFlight == MaxStepsInFlight)
        {
            throw new InvalidOperationException($"{MaxStepsInFlight} steps are in flight: complete step {_lastCompleted + 1} first.");
        }

        TimeSpan now = Now;
        _expired += _lifecycle.Expire(now);
        ScheduledStep step = StepOf(_lastScheduled + 1);
        step.Begin(_lastScheduled + 1);
        StepRecord record = _filler.Fill(step, now, _expired);
        if (step.NumTokens == 0)
        {
            return null;
        }

        _lastScheduled = step.Id;
        _expired = 0;
        Counters.Steps++;
        Counters.PrefillTokens += record.PrefillTokens;
        Counters.RecomputedTokens += record.RecomputedTokens;
        Log.Add(record);
        _observer.OnStep(record);
        return step;
    }

    /// <summary>Takes what the oldest step in flight has drawn.</summary>
    /// <param name="step">That step.</param>
    /// <param name="sampled">[samples of the step] token ids; negative where nothing could be drawn, which ends that sequence alone.</param>
    /// <returns>Tokens that became known, valid until the next call. Those of sequences that have ended are dropped.</returns>
    public ReadOnlySpan<SequenceOutput> Complete(ScheduledStep step, ReadOnlySpan<int> sampled)
    {
        CheckOldest(step);
        if (sampled.Length != step.NumSamples)
        {
            ThrowSamples(step, sampled.Length);
        }

        CompleteRows(step);
        int count = 0;
        for (int i = 0; i < sampled.Length; i++)
        {
            Sequence sequence = step.SampleSequences[i];
            sequence.NumInFlight--;
            if (sequence.State == SequenceState.Finished)
            {
                continue;
            }

            sequence.NumPending--;
            if (sampled[i] < 0)
            {
                _lifecycle.Finish(sequence, FinishReason.Error);
                continue;
            }

            FinishReason finish = Accept(sequence, sampled[i]);
            _outputs[count++] = new SequenceOutput(sequence, sampled[i], step.SamplePositions[i], i, finish);
        }

        EndStep(step);
        return _outputs.AsSpan(0, count);
    }

    /// <summary>The oldest step in flight failed: ends the sequences that have a part in it, and no others.</summary>
    public void Abort(ScheduledStep step)
    {
        CheckOldest(step);
        for (int i = 0; i < step.NumSequences; i++)
        {
            Sequence sequence = step.Sequences[i];
            sequence.NumInFlight--;
            if (step.IsSequenceCurrent(i))
            {
                _lifecycle.Finish(sequence, FinishReason.Error);
            }
        }

        for (int i = 0; i < step.NumSamples; i++)
        {
            Sequence sequence = step.SampleSequences[i];
            sequence.NumInFlight--;
            if (step.IsSampleCurrent(i))
            {
                _lifecycle.Finish(sequence, FinishReason.Error);
            }
            else if (sequence.State != SequenceState.Finished)
            {
                // Preempted since: the draw is lost and will be made again.
                sequence.NumPending--;
            }
        }

        EndStep(step);
    }

    /// <summary>Forgets all cached prefixes, as after a change of weights. Running sequences keep their blocks.</summary>
    public void ForgetCache() => _kv.Forget();

    /// <summary>Recounts blocks, references and seats. Slow; for tests and idle moments.</summary>
    /// <returns>What is wrong, or null. An idle scheduler has no used block.</returns>
    public string? CheckIntegrity()
    {
        int reserved = 0;
        for (int i = 0; i < NumRunning; i++)
        {
            reserved += Lifecycle.NumHeirs(_lifecycle.Running[i]);
        }

        return reserved != _lifecycle.Running.NumReserved || _lifecycle.Running.NumFree < 0
            ? $"{_lifecycle.Running.NumReserved} seats are reserved for {reserved} samples, {_lifecycle.Running.NumFree} are free"
            : _kv.Check();
    }

    private SubmitResult Check(Request request, TimeSpan now)
    {
        RequestOptions asked = request.Options;
        int prompt = request.Prompt.Length;
        if (prompt > _options.MaxContext)
        {
            return Refuse(RejectionReason.PromptTooLong, prompt, _options.MaxContext);
        }

        if (request.AskedSamples > _options.MaxSequences)
        {
            return Refuse(RejectionReason.TooManySamples, request.AskedSamples, _options.MaxSequences);
        }

        int positions = prompt + Math.Max(0, request.MaxTokens - 1);
        if (positions > _kv.Capacity)
        {
            return Refuse(RejectionReason.CacheTooSmall, positions, _kv.Capacity);
        }

        if (asked.WantsPromptLogits && _options.PromptLogitRows == 0)
        {
            return Refuse(RejectionReason.PromptLogitsUnavailable, prompt, 0);
        }

        TimeSpan waited = now - request.Prepared;
        if (asked.Timeout <= waited || asked.QueueTimeout <= waited)
        {
            return Refuse(RejectionReason.DeadlinePassed, 0, 0);
        }

        WaitingQueue waiting = _lifecycle.Waiting;
        if (waiting.Count >= _options.MaxWaiting)
        {
            return Postpone(RejectionReason.QueueFull, waiting.Count, _options.MaxWaiting, now);
        }

        if (_options.MaxWaitingPerTenant is { } most && waiting.CountOf(asked.Tenant) >= most)
        {
            return Postpone(RejectionReason.TenantQueueFull, waiting.CountOf(asked.Tenant), most, now);
        }

        // A single prompt may be longer than the bound; it then waits alone.
        return waiting.Count > 0 && waiting.NumTokens + prompt > _options.MaxWaitingTokens
            ? Postpone(RejectionReason.QueuedTokensFull, waiting.NumTokens + prompt, _options.MaxWaitingTokens, now)
            : default;
    }

    private static SubmitResult Refuse(RejectionReason reason, long actual, long limit) => new(reason, TimeSpan.Zero, actual, limit);

    private SubmitResult Postpone(RejectionReason reason, long actual, long limit, TimeSpan now) =>
        new(reason, _lifecycle.RetryAfter(_lifecycle.Waiting.Count, now), actual, limit);

    private static void CheckReason(FinishReason reason)
    {
        if (reason == FinishReason.None)
        {
            throw new ArgumentException("A sequence cannot end for no reason.", nameof(reason));
        }
    }

    /// <summary>Notes which positions are computed and offers whole blocks to the cache.</summary>
    private void CompleteRows(ScheduledStep step)
    {
        for (int i = 0; i < step.NumSequences; i++)
        {
            Sequence sequence = step.Sequences[i];
            sequence.NumInFlight--;
            if (step.IsSequenceCurrent(i))
            {
                sequence.NumComputed = step.EndPosition(i);
                _kv.Commit(sequence);
                if (sequence.Request.MaxTokens == 0 && sequence.NumComputed == sequence.NumPromptTokens)
                {
                    _lifecycle.Finish(sequence, FinishReason.Length);
                }
            }
            else if (sequence.State == SequenceState.Finished)
            {
                Counters.DiscardedRows += step.QueryOffsets[i + 1] - step.QueryOffsets[i];
            }
        }
    }

    private FinishReason Accept(Sequence sequence, int token)
    {
        sequence.Append(token);
        Counters.GeneratedTokens++;
        FinishReason finish = sequence.Request.Options.StopIds.AsSpan().Contains(token) ? FinishReason.Stop
            : sequence.NumGenerated >= sequence.Request.MaxTokens ? FinishReason.Length
            : FinishReason.None;
        if (finish != FinishReason.None)
        {
            _lifecycle.Finish(sequence, finish);
        }

        return finish;
    }

    private ScheduledStep StepOf(long id) => _steps[id % MaxStepsInFlight];

    private void CheckOldest(ScheduledStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        if (NumStepsInFlight == 0 || step != StepOf(_lastCompleted + 1))
        {
            ThrowOrder(step);
        }
    }

    private void EndStep(ScheduledStep step)
    {
        _lastCompleted++;
        step.Clear();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ThrowOrder(ScheduledStep step) => throw new InvalidOperationException(
        $"Step {step.Id} was handed in; {NumStepsInFlight} steps are in flight and step {_lastCompleted + 1} is next.");

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ThrowSamples(ScheduledStep step, int count) => throw new ArgumentException(
        $"Step {step.Id} draws {step.NumSamples} tokens, {count} were handed in.");

    private sealed class NoObserver : ISchedulerObserver;
}
