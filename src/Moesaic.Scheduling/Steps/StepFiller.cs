namespace Moesaic.Scheduling;

/// <summary>
/// Decides what a step runs: first one token of every sequence that decodes, then chunks of prompts that were begun, then new
/// sequences. Within each, by rank. A sequence short of blocks takes them from the last one in rank that has no rows in this
/// step; if there is none it sits this step out. The first in rank that can run always does, so something always moves.
/// </summary>
internal sealed class StepFiller(SchedulerOptions options, Lifecycle lifecycle)
{
    private readonly RunningSet _running = lifecycle.Running;
    private readonly KvManager _kv = lifecycle.Kv;
    private readonly int _maxChunk = options.MaxPrefillChunk ?? int.MaxValue;

    private ScheduledStep _step = null!;
    private int _budget;
    private int _promptLogits;
    private int _decodes;
    private int _prefillChunks;
    private int _prefillTokens;
    private int _recomputed;
    private int _admitted;
    private int _cached;
    private int _preempted;
    private int _stalled;
    private Sequence? _refused;
    private long _refusedRetired;

    /// <returns>What was done; without tokens there is nothing to run.</returns>
    public StepRecord Fill(ScheduledStep step, TimeSpan now, int expired)
    {
        _step = step;
        _budget = options.MaxTokensPerStep;
        _promptLogits = options.PromptLogitRows;
        _decodes = _prefillChunks = _prefillTokens = _recomputed = _admitted = _cached = _preempted = _stalled = 0;
        AddDecodes();
        AddChunks();
        AdmitOthers(now);
        _kv.EndCopies(step.Copies);
        step.ReadTables(_kv);
        return Record(now, expired);
    }

    private void AddDecodes()
    {
        for (int i = 0; i < _running.Count; i++)
        {
            Sequence sequence = _running[i];
            if (sequence.IsPrefill || sequence.IsDrained)
            {
                continue;
            }

            if (!HasRoom(i))
            {
                _stalled++;
                continue;
            }

            AddRows(sequence, 1);
            AddSample(sequence);
            _decodes++;
        }
    }

    private void AddChunks()
    {
        for (int i = 0; i < _running.Count && _budget > 0; i++)
        {
            Sequence sequence = _running[i];
            int wanted = sequence.IsPrefill ? ChunkOf(sequence, sequence.NumScheduled) : 0;
            if (wanted == 0)
            {
                continue;
            }

            if (!HasRoom(i))
            {
                _stalled++;
                continue;
            }

            AddChunk(sequence, Math.Min(wanted, _kv.RoomOf(sequence.Seat, sequence.NumScheduled)));
        }
    }

    /// <summary>Those who lost their blocks come first; neither they nor new ones are passed over for being large.</summary>
    private void AdmitOthers(TimeSpan now)
    {
        while (_budget > 0 && _preempted == 0 && _stalled == 0)
        {
            Sequence? next = lifecycle.Preempted.First ?? lifecycle.Waiting.Next()?.Sequences[0];
            if (next is null || next.NumInFlight > 0 || _running.NumFree < 1 + Lifecycle.NumHeirs(next) || ChunkOf(next, 0) == 0 || !TryAdmit(next, now))
            {
                return;
            }
        }
    }

    private bool TryAdmit(Sequence sequence, TimeSpan now)
    {
        // Looking up a long prompt is not for free, and nothing has changed for a refused one until a block was let go.
        if (sequence == _refused && NumRetired() == _refusedRetired && _running.Count > 0)
        {
            return false;
        }

        int seat = _running.TakeSeat();
        int cached = _kv.Attach(seat, sequence);
        if (_running.Count > 0 && !HasRoomFor(sequence, seat))
        {
            _kv.Release(seat);
            _running.ReturnSeat(seat);
            _refused = sequence;
            _refusedRetired = NumRetired();
            return false;
        }

        _refused = null;
        lifecycle.Admit(sequence, seat, cached, now);
        _admitted++;
        _cached += cached;
        AddChunk(sequence, Math.Min(ChunkOf(sequence, cached), _kv.RoomOf(seat, cached)));
        return true;
    }

    /// <summary>
    /// Whether all that is known of the sequence fits beside what the running ones still lack for their prefill. One that was
    /// preempted also leaves each of them a block to grow into, or it would soon be preempted again.
    /// </summary>
    private bool HasRoomFor(Sequence sequence, int seat)
    {
        for (int g = 0; g < _kv.NumGroups; g++)
        {
            BlockPool pool = _kv.Pool(g);
            long needed = _kv.MissingBlocks(seat, g, sequence.NumTokens) + (options.ReserveBlocks ?? Math.Max(1, pool.NumBlocks / 100));
            needed += sequence.State == SequenceState.Preempted ? _running.Count : 0;
            for (int i = 0; i < _running.Count; i++)
            {
                Sequence other = _running[i];
                needed += other.IsPrefill ? _kv.MissingBlocks(other.Seat, g, other.PrefillEnd) : 0;
            }

            if (needed > pool.NumAvailable)
            {
                return false;
            }
        }

        return true;
    }

    private long NumRetired()
    {
        long retired = 0;
        for (int g = 0; g < _kv.NumGroups; g++)
        {
            retired += _kv.Pool(g).NumRetired;
        }

        return retired;
    }

    /// <summary>Whether there is a block for the sequence's next token, if need be after preempting others.</summary>
    private bool HasRoom(int index)
    {
        Sequence sequence = _running[index];
        while (_kv.RoomOf(sequence.Seat, sequence.NumScheduled) < 1)
        {
            int victim = _running.Count - 1;
            while (victim > index && (_running[victim].LastStep == _step.Id || _running[victim].IsDrained))
            {
                victim--;
            }

            if (victim <= index)
            {
                return false;
            }

            lifecycle.Preempt(_running[victim]);
            _preempted++;
        }

        return true;
    }

    /// <summary>Tokens that the step's bounds leave to a sequence that has <paramref name="numScheduled"/> behind it.</summary>
    private int ChunkOf(Sequence sequence, int numScheduled)
    {
        int end = sequence.State == SequenceState.Running ? sequence.PrefillEnd : sequence.NumTokens;
        int chunk = Math.Min(Math.Min(end - numScheduled, _budget), _maxChunk);
        bool wantsLogits = sequence.Request.Options.WantsPromptLogits && numScheduled < sequence.NumPromptTokens;
        return wantsLogits ? Math.Min(chunk, _promptLogits) : chunk;
    }

    private void AddChunk(Sequence sequence, int count)
    {
        int begin = sequence.NumScheduled;
        _recomputed += Math.Clamp(sequence.MostScheduled - begin, 0, count);
        AddRows(sequence, count);
        _prefillChunks++;
        _prefillTokens += count;
        int end = sequence.NumScheduled;
        int promptRows = sequence.Request.Options.WantsPromptLogits ? Math.Clamp(sequence.NumPromptTokens - begin, 0, count) : 0;
        _step.AddLogits(_step.NumTokens - count, promptRows);
        _promptLogits -= promptRows;
        if (end == sequence.PrefillEnd && sequence.Request.MaxTokens > 0)
        {
            AddSample(sequence, hasLogits: promptRows == count);
            AddHeirs(sequence);
        }
    }

    /// <summary>The other samples of a request draw from the same row and go their own ways from there.</summary>
    private void AddHeirs(Sequence leader)
    {
        if (leader.Sample > 0)
        {
            return;
        }

        foreach (Sequence heir in leader.Request.Sequences)
        {
            if (heir.State == SequenceState.WaitingForPrompt)
            {
                lifecycle.Fork(leader, heir);
                heir.LastStep = _step.Id;
                AddSample(heir, hasLogits: true);
            }
        }
    }

    private void AddRows(Sequence sequence, int count)
    {
        _kv.Extend(sequence.Seat, sequence.NumScheduled, sequence.NumScheduled + count, _step.Copies);
        _step.AddRows(sequence, count);
        sequence.NumScheduled += count;
        sequence.MostScheduled = Math.Max(sequence.MostScheduled, sequence.NumScheduled);
        sequence.LastStep = _step.Id;
        sequence.NumInFlight++;
        _budget -= count;
    }

    private void AddSample(Sequence sequence, bool hasLogits = false)
    {
        if (!hasLogits)
        {
            _step.AddLogits(_step.NumTokens - 1, 1);
        }

        sequence.PendingSample = _step.NumSamples;
        _step.AddSample(sequence, sequence.NumScheduled);
        sequence.NumPending++;
        sequence.NumInFlight++;
        sequence.Request.Tenant!.Charge(options.DecodeCharge);
    }

    private StepRecord Record(TimeSpan now, int expired)
    {
        int used = 0;
        int copies = 0;
        for (int g = 0; g < _kv.NumGroups; g++)
        {
            used += _kv.Pool(g).NumUsed;
            copies += _step.Copies[g].Count;
        }

        return new StepRecord
        {
            Step = _step.Id,
            Time = now,
            Budget = options.MaxTokensPerStep,
            Decodes = _decodes,
            PrefillChunks = _prefillChunks,
            PrefillTokens = _prefillTokens,
            RecomputedTokens = _recomputed,
            Admitted = _admitted,
            CachedTokens = _cached,
            Preempted = _preempted,
            Stalled = _stalled,
            Expired = expired,
            Copies = copies,
            Running = _running.Count,
            Waiting = lifecycle.Waiting.Count,
            UsedBlocks = used,
        };
    }
}
