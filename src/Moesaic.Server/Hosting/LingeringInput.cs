using System.IO.Pipelines;

namespace Moesaic.Server.Hosting;

/// <summary>
/// What a client sends, whose end is told a little later than it comes: Kestrel drops a connection, with all that was not sent
/// yet, as soon as it sees that a body ended early. Meanwhile the refusal goes out.
/// </summary>
/// <param name="input">What the client sends.</param>
/// <param name="line">Is shown all that comes.</param>
internal sealed class LingeringInput(PipeReader input, RequestLine line) : PipeReader
{
    private static readonly TimeSpan Linger = TimeSpan.FromSeconds(1);

    private TaskCompletionSource _cancelled = NewSignal();
    private bool _isOver;

    // Bytes that were shown without their end and not taken: what comes next is the end itself.
    private long _seen;

    public override bool TryRead(out ReadResult result)
    {
        if (!input.TryRead(out result))
        {
            return false;
        }

        line.Look(result.Buffer);
        if (!result.IsCompleted || _isOver)
        {
            return true;
        }

        if (result.Buffer.IsEmpty && !result.IsCanceled)
        {
            input.AdvanceTo(result.Buffer.Start);
            return false;
        }

        result = new ReadResult(result.Buffer, result.IsCanceled, isCompleted: false);
        return true;
    }

    public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        ReadResult result = await input.ReadAsync(cancellationToken).ConfigureAwait(false);
        line.Look(result.Buffer);
        if (!result.IsCompleted || _isOver)
        {
            return result;
        }

        if (result.IsCanceled)
        {
            return new ReadResult(result.Buffer, isCanceled: true, isCompleted: false);
        }

        if (!result.Buffer.IsEmpty && result.Buffer.Length != _seen)
        {
            _seen = result.Buffer.Length;
            return new ReadResult(result.Buffer, isCanceled: false, isCompleted: false);
        }

        Task cancelled = Volatile.Read(ref _cancelled).Task;
        await Task.WhenAny(cancelled, Task.Delay(Linger, cancellationToken)).ConfigureAwait(false);
        if (cancellationToken.IsCancellationRequested)
        {
            input.AdvanceTo(result.Buffer.Start);
            cancellationToken.ThrowIfCancellationRequested();
        }

        _isOver |= !cancelled.IsCompleted;
        return new ReadResult(result.Buffer, isCanceled: !_isOver, isCompleted: _isOver);
    }

    public override void CancelPendingRead()
    {
        Interlocked.Exchange(ref _cancelled, NewSignal()).TrySetResult();
        input.CancelPendingRead();
    }

    public override void AdvanceTo(SequencePosition consumed) => input.AdvanceTo(consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined) => input.AdvanceTo(consumed, examined);

    public override void Complete(Exception? exception = null) => input.Complete(exception);

    public override ValueTask CompleteAsync(Exception? exception = null) => input.CompleteAsync(exception);

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
