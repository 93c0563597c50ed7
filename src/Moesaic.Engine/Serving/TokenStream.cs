using System.Collections.Immutable;
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
    private const int FirstCapacity = 1024;
    private const int FirstCapacityWithAlternatives = 64;
    private const int Idle = 0;
    private const int Waiting = 1;

    private readonly EngineLoop _loop;
    private ManualResetValueTaskSourceCore<bool> _source;
    private TokenBuffer? _tokens;
    private int _published;
    private int _read;
    private int _end;
    private int _waiter;
    private int _stop;
    private Exception? _error;
    private bool _fellBehind;

    /// <param name="loop">Asked to end the sample.</param>
    /// <param name="owner">The request that this is a sample of.</param>
    /// <param name="sequence">The sample in the scheduler.</param>
    /// <param name="draws">How its tokens are drawn; null: the executor needs no telling.</param>
    internal TokenStream(EngineLoop loop, ServedRequest owner, Sequence sequence, DrawState? draws)
    {
        _loop = loop;
        Owner = owner;
        Sequence = sequence;
        Draws = draws;
        sequence.Tag = this;
    }

    /// <summary>Tokens that can be read without waiting.</summary>
    public int NumAvailable => Volatile.Read(ref _published) - _read;

    /// <summary>Why the sample ended; <see cref="EndReason.None"/> while tokens may follow.</summary>
    public EndReason End => (EndReason)Volatile.Read(ref _end);

    /// <summary>What went wrong, if it ended with <see cref="EndReason.Error"/> for a reason that is known.</summary>
    public Exception? Error => Volatile.Read(ref _error);

    /// <summary>Whether it was stopped because its reader left too many tokens unread.</summary>
    public bool FellBehind => Volatile.Read(ref _fellBehind);

    /// <summary>Tokens that may wait for the reader.</summary>
    internal int MaxUnread { get; init; } = int.MaxValue;

    internal ServedRequest Owner { get; }

    internal Sequence Sequence { get; }

    /// <summary>How its tokens are drawn; the executor's thread only.</summary>
    internal DrawState? Draws { get; }

    /// <summary>The next of the streams to stop; see <see cref="EngineLoop"/>.</summary>
    internal TokenStream? NextToStop { get; set; }

    internal EndReason StopReason => (EndReason)Volatile.Read(ref _stop);

    public bool TryRead(out int token) => TryRead(out token, out _);

    /// <param name="token">The next token.</param>
    /// <param name="at">Where <see cref="Logprob"/> and <see cref="Alternatives"/> find the rest.</param>
    public bool TryRead(out int token, out int at)
    {
        at = _read;
        bool any = NumAvailable > 0;
        token = any ? Volatile.Read(ref _tokens)!.Id(_read++) : 0;
        return any;
    }

    /// <summary>Log-probability of a token that was read.</summary>
    public float Logprob(int at) => Volatile.Read(ref _tokens)!.Logprob(at);

    /// <summary>Alternatives to a token that was read.</summary>
    public ImmutableArray<TokenAlternative> Alternatives(int at) => Volatile.Read(ref _tokens)!.Alternatives(at);

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
    internal void Publish(int token, float logprob, ReadOnlySpan<int> topIds, ReadOnlySpan<float> topLogprobs)
    {
        int count = _published;
        TokenBuffer? tokens = _tokens;
        if (tokens is null || count == tokens.Capacity)
        {
            tokens = tokens?.Grow() ?? FirstBuffer();
            Volatile.Write(ref _tokens, tokens);
        }

        tokens.Set(count, token, logprob, topIds, topLogprobs);
        Volatile.Write(ref _published, count + 1);
        if (count - Volatile.Read(ref _read) >= MaxUnread)
        {
            Volatile.Write(ref _fellBehind, true);
            Stop(EndReason.Cancelled);
        }

        Wake();
    }

    /// <summary>No token follows. The engine's thread, or whoever refuses the request.</summary>
    internal void Finish(EndReason reason, Exception? error = null)
    {
        Volatile.Write(ref _error, error);
        Volatile.Write(ref _end, (int)reason);
        Wake();
    }

    // Made with the first token: a waiting request takes no memory for it.
    private TokenBuffer FirstBuffer()
    {
        int numAlternatives = Draws?.NumAlternatives ?? 0;
        int capacity = numAlternatives > 0 ? FirstCapacityWithAlternatives : FirstCapacity;
        return new TokenBuffer(Math.Min(capacity, Sequence.Request.MaxTokens), numAlternatives);
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
