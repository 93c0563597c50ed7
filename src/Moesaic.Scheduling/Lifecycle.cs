namespace Moesaic.Scheduling;

/// <summary>Moves sequences between their states, and blocks, seats, queues and counters with them.</summary>
internal sealed class Lifecycle(SchedulerOptions options, KvManager kv, ISchedulerObserver observer)
{
    private readonly IndexedHeap<Request, ExpiryOrder> _expiring = new(options.MaxWaiting + options.MaxSequences);
    private readonly DepartureRate _departures = new();
    private long _numRequests;

    public KvManager Kv { get; } = kv;

    public RunningSet Running { get; } = new(options.MaxSequences);

    public WaitingQueue Waiting { get; } = new();

    public IndexedHeap<Sequence, PreemptedOrder> Preempted { get; } = new(options.MaxSequences);

    public SchedulerCounters Counters { get; } = new();

    public TimeSpan RetryAfter(int waiting, TimeSpan now) => _departures.Estimate(waiting, now);

    /// <summary>Puts a new request into the queue.</summary>
    public void Enqueue(Request request, TimeSpan now)
    {
        RequestOptions asked = request.Options;
        request.Number = ++_numRequests;
        request.Submitted = now;
        request.Rank = now.Ticks + (options.PriorityStep.Ticks * Math.Clamp(asked.Priority, -SchedulerOptions.PriorityRange, SchedulerOptions.PriorityRange));
        request.NumLive = request.Sequences.Length;
        foreach (Sequence sequence in request.Sequences)
        {
            sequence.State = sequence.Sample == 0 ? SequenceState.Waiting : SequenceState.WaitingForPrompt;
        }

        Waiting.Add(request);
        SetExpiry(request, Math.Min(ExpiryOf(request.Prepared, asked.Timeout), ExpiryOf(request.Prepared, asked.QueueTimeout)));
        Counters.RequestsAccepted++;
    }

    /// <summary>Ends requests that have run out of time.</summary>
    /// <returns>How many.</returns>
    public int Expire(TimeSpan now)
    {
        int count = 0;
        while (_expiring.First is { } request && request.Expiry <= now.Ticks)
        {
            Finish(request, FinishReason.DeadlineExceeded);
            count++;
        }

        return count;
    }

    /// <summary>Lets a waiting or preempted sequence run.</summary>
    /// <param name="sequence">The sequence.</param>
    /// <param name="seat">Its seat, to which the blocks of its cached prefix are attached.</param>
    /// <param name="cached">Positions of that prefix.</param>
    /// <param name="now">Scheduler time.</param>
    public void Admit(Sequence sequence, int seat, int cached, TimeSpan now)
    {
        Request request = sequence.Request;
        if (sequence.State == SequenceState.Waiting)
        {
            Waiting.Remove(request);
            _departures.Record(now, Waiting.Count > 0);
            request.Admitted = now;
            request.CachedTokens = cached;
            request.Tenant!.Charge(sequence.NumTokens - cached);
            SetExpiry(request, ExpiryOf(request.Prepared, request.Options.Timeout));
            Counters.PrefixCacheQueries += sequence.NumTokens;
            Counters.PrefixCacheHits += cached;
        }
        else
        {
            Preempted.Remove(sequence);
        }

        Running.NumReserved += NumHeirs(sequence);
        Seat(sequence, seat, cached, cached);
        observer.OnAdmitted(sequence, cached);
    }

    /// <summary>Lets the samples that waited for their prompt share the blocks of the one that now has all of it in steps.</summary>
    public void Fork(Sequence leader, Sequence heir)
    {
        int seat = Running.TakeSeat();
        Running.NumReserved--;
        Kv.Fork(leader.Seat, seat);
        Seat(heir, seat, leader.NumScheduled, leader.NumComputed);
        heir.MostScheduled = leader.MostScheduled;
        observer.OnAdmitted(heir, leader.NumScheduled);
    }

    /// <summary>Takes a running sequence's blocks. Draws in flight stay good: they depend on its own tokens alone.</summary>
    public void Preempt(Sequence sequence)
    {
        Running.NumReserved -= NumHeirs(sequence);
        Unseat(sequence);
        sequence.State = SequenceState.Preempted;
        sequence.NumPreemptions++;
        Preempted.Add(sequence);
        Counters.Preemptions++;
        observer.OnPreempted(sequence);
    }

    public void Finish(Request request, FinishReason reason)
    {
        foreach (Sequence sequence in request.Sequences)
        {
            if (sequence.State != SequenceState.Finished)
            {
                Finish(sequence, reason);
            }
        }
    }

    /// <summary>Ends a live sequence. With one that has yet to compute the prompt, those end that wait for it.</summary>
    public void Finish(Sequence sequence, FinishReason reason)
    {
        Request request = sequence.Request;
        SequenceState state = sequence.State;
        if (state != SequenceState.WaitingForPrompt)
        {
            FinishHeirs(sequence, reason);
        }

        switch (state)
        {
            case SequenceState.Waiting:
                Waiting.Remove(request);
                break;
            case SequenceState.WaitingForPrompt when request.Sequences[0].State == SequenceState.Running:
                Running.NumReserved--;
                break;
            case SequenceState.Running:
                Unseat(sequence);
                break;
            case SequenceState.Preempted:
                Preempted.Remove(sequence);
                break;
        }

        sequence.State = SequenceState.Finished;
        sequence.Finish = reason;
        Counters.Finished[(int)reason]++;
        if (--request.NumLive == 0)
        {
            SetExpiry(request, long.MaxValue);
            Waiting.Leave(request);
        }

        observer.OnFinished(sequence);
    }

    /// <summary>Samples that wait for this sequence to compute the prompt.</summary>
    public static int NumHeirs(Sequence sequence)
    {
        int count = 0;
        if (sequence.Sample == 0)
        {
            foreach (Sequence other in sequence.Request.Sequences)
            {
                count += other.State == SequenceState.WaitingForPrompt ? 1 : 0;
            }
        }

        return count;
    }

    private static long ExpiryOf(TimeSpan begin, TimeSpan? time) =>
        time is { } t && t.Ticks < long.MaxValue - begin.Ticks ? begin.Ticks + t.Ticks : long.MaxValue;

    private void FinishHeirs(Sequence sequence, FinishReason reason)
    {
        if (sequence.Sample > 0)
        {
            return;
        }

        foreach (Sequence other in sequence.Request.Sequences)
        {
            if (other.State == SequenceState.WaitingForPrompt)
            {
                Finish(other, reason);
            }
        }
    }

    private void Seat(Sequence sequence, int seat, int numScheduled, int numComputed)
    {
        sequence.Seat = seat;
        sequence.Stay++;
        sequence.State = SequenceState.Running;
        sequence.NumScheduled = numScheduled;
        sequence.NumComputed = numComputed;
        sequence.PrefillEnd = sequence.NumTokens;
        Running.Add(sequence);
    }

    private void Unseat(Sequence sequence)
    {
        Kv.Release(sequence.Seat);
        Running.Remove(sequence);
        sequence.Stay++;
        sequence.NumScheduled = 0;
        sequence.NumComputed = 0;
    }

    private void SetExpiry(Request request, long expiry)
    {
        request.Expiry = expiry;
        bool isIn = IndexedHeap<Request, ExpiryOrder>.IsIn(request);
        if (expiry == long.MaxValue)
        {
            if (isIn)
            {
                _expiring.Remove(request);
            }
        }
        else if (isIn)
        {
            _expiring.Reorder(request);
        }
        else
        {
            _expiring.Add(request);
        }
    }
}
