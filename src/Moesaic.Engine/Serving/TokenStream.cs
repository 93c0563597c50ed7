using System.Threading.Tasks.Sources;
using Moesaic.Scheduling;
using EndReason = Moesaic.Scheduling.FinishReason;

namespace Moesaic.Engine;

/// <summary>
/// The tokens of one sample, as they come. Written by the engine's thread, which never runs a reader's code: whoever waits is
/// continued on the thread pool. One reader at a time.
/// </summary>
internal sealed class TokenStream : IValueTaskSource<bool>, IThreadPoolWorkItem
{
    // Longer generations double this when they get there.
    private const int FirstCapacity = 4096;
    private const int Idle = 0;
    private const int Waiting = 1;

    private readonly EngineLoop _loop;
    private ManualResetValueTaskSourceCore<bool> _source;
    private int[] _tokens;
    private int _published;
    private int _read;
    private int _end;
    private int _waiter;
    private int _stop;

    internal TokenStream(EngineLoop loop, Sequence sequence)
    {
        _loop = loop;
        Sequence = sequence;
        sequence.Tag = this;
        _tokens = new int[Math.Min(FirstCapacity, Math.Max(1, sequence.Request.MaxTokens))];
    }

    /// <summary>Tokens that can be read without waiting.</summary>
    public int NumAvailable => Volatile.Read(ref _published) - _read;

    /// <summary>Why the sample ended; <see cref="EndReason.None"/> while tokens may follow.</summary>
    public EndReason End => (EndReason)Volatile.Read(ref _end);

    internal Sequence Sequence { get; }

    /// <summary>The next of the streams to stop; see <see cref="EngineLoop"/>.</summary>
    internal TokenStream? NextToStop { get; set; }

    internal EndReason StopReason => (EndReason)Volatile.Read(ref _stop);

    public bool TryRead(out int token)
    {
        bool any = NumAvailable > 0;
        token = any ? Volatile.Read(ref _tokens)[_read++] : 0;
        return any;
    }

    /// <summary>Waits until a token can be read (true) or all have been read and none will follow (false).</summary>
    public ValueTask<bool> WaitAsync()
    {
        if (IsReady)
        {
            return ValueTask.FromResult(NumAvailable > 0);
        }

        _source.Reset();
        short version = _source.Version;
        Interlocked.Exchange(ref _waiter, Waiting);

        // What was published in between has not seen the waiter.
        return IsReady && Interlocked.CompareExchange(ref _waiter, Idle, Waiting) == Waiting
            ? ValueTask.FromResult(NumAvailable > 0)
            : new ValueTask<bool>(this, version);
    }

    /// <summary>Ends the sample, for a reason that the reader found. Any thread; the first reason counts.</summary>
    public void Stop(EndReason reason)
    {
        if (Interlocked.CompareExchange(ref _stop, (int)reason, 0) == 0)
        {
            _loop.Stop(this);
        }
    }

    /// <summary>Adds a token. The engine's thread.</summary>
    internal void Publish(int token)
    {
        int count = _published;
        if (count == _tokens.Length)
        {
            int[] larger = new int[2 * count];
            _tokens.CopyTo(larger, 0);
            Volatile.Write(ref _tokens, larger);
        }

        _tokens[count] = token;
        Volatile.Write(ref _published, count + 1);
        Wake();
    }

    /// <summary>No token follows. The engine's thread, or whoever refuses the request.</summary>
    internal void Finish(EndReason reason)
    {
        Volatile.Write(ref _end, (int)reason);
        Wake();
    }

    private bool IsReady => NumAvailable > 0 || End != EndReason.None;

    private void Wake()
    {
        // The write before and the exchange in WaitAsync decide between them who sees whom.
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _waiter) == Waiting && Interlocked.CompareExchange(ref _waiter, Idle, Waiting) == Waiting)
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }

    void IThreadPoolWorkItem.Execute() => _source.SetResult(NumAvailable > 0);

    bool IValueTaskSource<bool>.GetResult(short token) => _source.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<bool>.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource<bool>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);
}
