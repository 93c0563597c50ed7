namespace Moesaic.Engine;

/// <summary>What other threads ask of the engine's loop beside requests: to recount its blocks, to tell when nothing is left, to cancel all.</summary>
internal sealed class LoopOrders
{
    private PendingCheck? _checks;
    private TaskCompletionSource? _idle;
    private bool _cancelAll;
    private bool _closed;

    /// <summary>Whether the loop may sleep as far as these are concerned.</summary>
    public bool IsEmpty => Volatile.Read(ref _checks) is null && Volatile.Read(ref _idle) is null && !Volatile.Read(ref _cancelAll);

    /// <summary>Whether somebody waits for a check. The loop's thread.</summary>
    public bool WantsCheck => Volatile.Read(ref _checks) is not null;

    /// <summary>Whether somebody waits for the end of all requests. The loop's thread.</summary>
    public bool WantsIdle => Volatile.Read(ref _idle) is not null;

    /// <summary>Asks for a check; the loop must be woken after.</summary>
    public Task<string?> AddCheck()
    {
        PendingCheck check = new();
        PendingCheck? first;
        do
        {
            first = Volatile.Read(ref _checks);
            check.Next = first;
        }
        while (Interlocked.CompareExchange(ref _checks, check, first) != first);
        AnswerIfClosed();
        return check.Result.Task;
    }

    /// <summary>Asks to be told when nothing is left; the loop must be woken after.</summary>
    public Task AddIdle()
    {
        TaskCompletionSource idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
        idle = Interlocked.CompareExchange(ref _idle, idle, null) ?? idle;
        AnswerIfClosed();
        return idle.Task;
    }

    /// <summary>Asks for the end of all requests; the loop must be woken after.</summary>
    public void AddCancelAll() => Volatile.Write(ref _cancelAll, true);

    /// <summary>Whether all requests are to be cancelled, told once. The loop's thread.</summary>
    public bool TakeCancelAll() => Volatile.Read(ref _cancelAll) && Interlocked.Exchange(ref _cancelAll, false);

    /// <summary>Answers whoever asked for a check.</summary>
    public void AnswerChecks(string? result)
    {
        for (PendingCheck? check = Interlocked.Exchange(ref _checks, null); check is not null; check = check.Next)
        {
            check.Result.TrySetResult(result);
        }
    }

    /// <summary>Nothing is left: tells whoever asked.</summary>
    public void TellIdle() => Interlocked.Exchange(ref _idle, null)?.TrySetResult();

    /// <summary>The loop has ended: answers all, now and from now on.</summary>
    public void Close()
    {
        Volatile.Write(ref _closed, true);
        AnswerIfClosed();
    }

    // Whoever asks either sees that it is closed, or has asked before it was and is seen.
    private void AnswerIfClosed()
    {
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _closed))
        {
            AnswerChecks("the engine has ended");
            TellIdle();
        }
    }

    private sealed class PendingCheck
    {
        public TaskCompletionSource<string?> Result { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public PendingCheck? Next { get; set; }
    }
}
