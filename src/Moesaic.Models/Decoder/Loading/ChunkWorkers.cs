using System.Runtime.ExceptionServices;
using Moesaic.Interop;
using Moesaic.Models.Checkpoints;

namespace Moesaic.Models.Decoder;

/// <summary>Works a list of chunks off with a fixed number of threads, in file order; the first error ends all.</summary>
internal sealed class ChunkWorkers
{
    // 32 MiB of whole chunks keep a fast disk's queue full; page faults alone ask for what one thread needs next.
    private const int ChunksAhead = 8;

    private readonly List<LoadChunk> _chunks;
    private readonly Dictionary<CheckpointTensor, int> _open = [];
    private readonly LoadOptions _options;
    private readonly long _bytesTotal;
    private readonly Lock _lock = new();
    private long _bytesDone;
    private int _next = -1;
    private ExceptionDispatchInfo? _error;

    public ChunkWorkers(List<LoadChunk> chunks, LoadOptions options)
    {
        _chunks = chunks;
        _options = options;
        foreach (LoadChunk chunk in chunks)
        {
            _open[chunk.Tensor] = _open.GetValueOrDefault(chunk.Tensor) + 1;
            _bytesTotal += chunk.Bytes;
        }
    }

    /// <exception cref="ModelFormatException">A tensor cannot be used.</exception>
    /// <exception cref="OperationCanceledException">The load was cancelled.</exception>
    public void Run(int numThreads)
    {
        foreach (LoadChunk first in _chunks.Take(ChunksAhead))
        {
            first.Expect();
        }

        Thread[] threads = new Thread[Math.Min(numThreads, _chunks.Count) - 1];
        for (int i = 0; i < threads.Length; i++)
        {
            threads[i] = new Thread(Work) { IsBackground = true, Name = "moesaic-load" };
            threads[i].Start();
        }

        Work();
        foreach (Thread thread in threads)
        {
            thread.Join();
        }

        _error?.Throw();
    }

    private void Work()
    {
        LoadScratch scratch = new();
        int index;
        while (Volatile.Read(ref _error) is null && (index = Interlocked.Increment(ref _next)) < _chunks.Count)
        {
            LoadChunk chunk = _chunks[index];
            try
            {
                _options.Cancellation.ThrowIfCancellationRequested();
                if (index + ChunksAhead < _chunks.Count)
                {
                    _chunks[index + ChunksAhead].Expect();
                }

                chunk.Load(scratch);
                chunk.Release();
                Finish(chunk);
            }
            catch (NativeException e) when (e.ErrorClass == NativeErrorClass.BadArgument)
            {
                Fail(new ModelFormatException(chunk.Tensor.File.Path, chunk.Tensor.Name, $"it cannot be loaded as a weight: {e.Message}", e));
            }
            catch (Exception e)
            {
                Fail(e);
            }
        }
    }

    private void Fail(Exception error) => Interlocked.CompareExchange(ref _error, ExceptionDispatchInfo.Capture(error), null);

    private void Finish(in LoadChunk chunk)
    {
        lock (_lock)
        {
            // Chunks end within pages; what they share with their neighbours goes with the last of them.
            if (--_open[chunk.Tensor] == 0)
            {
                chunk.Tensor.Release();
            }

            _bytesDone += chunk.Bytes;
            _options.Progress?.Invoke(new LoadProgress(_bytesDone, _bytesTotal));
        }
    }
}
