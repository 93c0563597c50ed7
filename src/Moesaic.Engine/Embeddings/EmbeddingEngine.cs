namespace Moesaic.Engine;

/// <summary>
/// Makes embeddings for many callers at once: texts of concurrent calls share steps, calls take turns text by text, and a
/// text's vector has the bits that it has alone.
/// </summary>
/// <remarks>Thread-safe. Steps run on a thread of their own; callers are continued on the thread pool.</remarks>
public sealed class EmbeddingEngine : IDisposable
{
    /// <summary>Texts of all calls that may wait where nobody says how many.</summary>
    public const int DefaultMaxWaitingTexts = 65536;

    private readonly EmbeddingRunner _runner;
    private readonly TimeProvider _clock;
    private readonly Queue<Call> _calls = new();
    private readonly HashSet<Call> _live = [];
    private readonly object _lock = new();
    private readonly Thread _thread;
    private readonly List<int[]> _texts = [];
    private readonly List<(Call Call, int Text)> _owners = [];
    private int _waiting;
    private long _textsDone;
    private long _tokensDone;
    private long _steps;
    private TaskCompletionSource? _idle;
    private bool _isEnding;

    /// <param name="model">The encoder; it must outlive the engine.</param>
    /// <param name="maxWaitingTexts">Texts of all calls that may wait.</param>
    /// <param name="clock">For the limit of <see cref="DrainAsync"/>; null: the system's.</param>
    public EmbeddingEngine(EmbeddingModel model, int maxWaitingTexts = DefaultMaxWaitingTexts, TimeProvider? clock = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxWaitingTexts, 1);
        Model = model;
        MaxWaitingTexts = maxWaitingTexts;
        _clock = clock ?? TimeProvider.System;
        _runner = model.CreateRunner();
        _thread = new Thread(Work) { IsBackground = true, Name = "moesaic-embed" };
        _thread.Start();
    }

    public EmbeddingModel Model { get; }

    /// <summary>Texts of all calls that may wait.</summary>
    public int MaxWaitingTexts { get; }

    /// <summary>Texts whose embeddings were made.</summary>
    public long TextsDone => Interlocked.Read(ref _textsDone);

    /// <summary>Their tokens.</summary>
    public long TokensDone => Interlocked.Read(ref _tokensDone);

    /// <summary>Steps run; fewer than texts where calls shared them.</summary>
    public long Steps => Interlocked.Read(ref _steps);

    /// <summary>Texts that wait.</summary>
    public int WaitingTexts => Volatile.Read(ref _waiting);

    /// <summary>Runs on the engine's thread before each step, in tests.</summary>
    internal Action? BeforeStep { get; set; }

    /// <summary>The vectors of texts given as ids, special tokens included.</summary>
    /// <exception cref="ArgumentException">A text is empty, or holds what is no token of the model.</exception>
    /// <exception cref="ContextExceededException">A text is too long.</exception>
    /// <exception cref="EmbeddingQueueFullException">Too many texts wait already.</exception>
    /// <exception cref="OperationCanceledException">The call was cancelled, or the engine is drained or disposed of.</exception>
    public async Task<float[][]> EmbedAsync(IReadOnlyList<int[]> texts, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(texts);
        foreach (int[] text in texts)
        {
            Model.Check(text);
        }

        cancellationToken.ThrowIfCancellationRequested();
        if (texts.Count == 0)
        {
            return [];
        }

        Call call = new(texts);
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isEnding, this);
            if (_idle is not null)
            {
                throw new OperationCanceledException("the engine takes no more texts: it is drained");
            }

            if (_waiting + texts.Count > MaxWaitingTexts)
            {
                throw new EmbeddingQueueFullException($"{_waiting} texts wait for their embeddings, and this engine holds {MaxWaitingTexts}: try again later, with fewer texts");
            }

            _waiting += texts.Count;
            _live.Add(call);
            _calls.Enqueue(call);
            Monitor.Pulse(_lock);
        }

        try
        {
            // Whoever leaves is let go at once; the worker drops what is left of the call when its turn comes.
            using CancellationTokenRegistration leaving = cancellationToken.UnsafeRegister(static (c, token) => ((Call)c!).Result.TrySetCanceled(token), call);
            return await call.Result.Task.ConfigureAwait(false);
        }
        finally
        {
            Remove(call);
        }
    }

    /// <summary>Takes no more texts and waits until every call has ended; those that have not within the limit are cancelled.</summary>
    public async Task DrainAsync(TimeSpan limit)
    {
        Task idle;
        lock (_lock)
        {
            _idle ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (_live.Count == 0)
            {
                _idle.TrySetResult();
            }

            idle = _idle.Task;
        }

        try
        {
            await idle.WaitAsync(limit, _clock).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            CancelAllCalls();
            await idle.ConfigureAwait(false);
        }
    }

    /// <summary>Ends the engine; calls that wait are cancelled.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_isEnding)
            {
                return;
            }

            _isEnding = true;
            Monitor.Pulse(_lock);
        }

        _thread.Join();
        CancelAllCalls();
        _runner.Dispose();
    }

    private void Remove(Call call)
    {
        lock (_lock)
        {
            _live.Remove(call);
            if (_live.Count == 0)
            {
                _idle?.TrySetResult();
            }
        }
    }

    private void CancelAllCalls()
    {
        lock (_lock)
        {
            foreach (Call call in _live)
            {
                call.Result.TrySetCanceled(CancellationToken.None);
            }
        }
    }

    private void Work()
    {
        while (FillStep())
        {
            float[][] vectors = new float[_texts.Count][];
            try
            {
                BeforeStep?.Invoke();
                _runner.Run(_texts, 0, _texts.Count, vectors, null);
                Interlocked.Increment(ref _steps);
                Interlocked.Add(ref _textsDone, _texts.Count);
                Interlocked.Add(ref _tokensDone, _texts.Sum(static t => (long)t.Length));
                for (int i = 0; i < vectors.Length; i++)
                {
                    _owners[i].Call.Deliver(_owners[i].Text, vectors[i]);
                }
            }
            catch (Exception exception)
            {
                foreach ((Call call, _) in _owners)
                {
                    call.Result.TrySetException(exception);
                }
            }
        }
    }

    // Calls take turns, so that one with many texts does not hold up the others. False: the engine ends.
    private bool FillStep()
    {
        _texts.Clear();
        _owners.Clear();
        lock (_lock)
        {
            int tokens = 0;
            while (!_isEnding && _texts.Count < _runner.MaxTexts)
            {
                if (!_calls.TryPeek(out Call? call))
                {
                    if (_texts.Count > 0)
                    {
                        break;
                    }

                    Monitor.Wait(_lock);
                    continue;
                }

                if (call.Result.Task.IsCompleted)
                {
                    _waiting -= call.Texts.Count - call.Next;
                    _calls.Dequeue();
                    continue;
                }

                int[] text = call.Texts[call.Next];
                if (tokens + text.Length > _runner.MaxTokens)
                {
                    break;
                }

                tokens += text.Length;
                _texts.Add(text);
                _owners.Add((call, call.Next++));
                _waiting--;
                _calls.Dequeue();
                if (call.Next < call.Texts.Count)
                {
                    _calls.Enqueue(call);
                }
            }

            return !_isEnding;
        }
    }

    private sealed class Call(IReadOnlyList<int[]> texts)
    {
        private readonly float[][] _vectors = new float[texts.Count][];
        private int _left = texts.Count;

        public IReadOnlyList<int[]> Texts { get; } = texts;

        /// <summary>The first text that no step has taken.</summary>
        public int Next { get; set; }

        public TaskCompletionSource<float[][]> Result { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Deliver(int text, float[] vector)
        {
            _vectors[text] = vector;
            if (--_left == 0)
            {
                Result.TrySetResult(_vectors);
            }
        }
    }
}
