using System.Runtime.InteropServices;

namespace Moesaic.Cli.Verbs;

/// <summary>Ctrl-C in a conversation: it stops the answer that is being given; where there is none, or once more, it leaves.</summary>
internal sealed class ChatInterrupts : IDisposable
{
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _leave = new();
    private readonly PosixSignalRegistration _interrupt;
    private readonly PosixSignalRegistration _terminate;
    private CancellationTokenSource? _answer;

    public ChatInterrupts()
    {
        _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnInterrupt);
        _terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnTerminate);
    }

    /// <summary>Cancelled when the conversation is to end.</summary>
    public CancellationToken Leave => _leave.Token;

    /// <summary>A token for one answer.</summary>
    public CancellationToken BeginAnswer()
    {
        lock (_gate)
        {
            _answer = CancellationTokenSource.CreateLinkedTokenSource(_leave.Token);
            return _answer.Token;
        }
    }

    public void EndAnswer()
    {
        lock (_gate)
        {
            _answer?.Dispose();
            _answer = null;
        }
    }

    public void Dispose()
    {
        _interrupt.Dispose();
        _terminate.Dispose();
        EndAnswer();
        _leave.Dispose();
    }

    private void OnInterrupt(PosixSignalContext context)
    {
        context.Cancel = true;
        lock (_gate)
        {
            (_answer is { IsCancellationRequested: false } ? _answer : _leave).Cancel();
        }
    }

    private void OnTerminate(PosixSignalContext context)
    {
        context.Cancel = true;
        lock (_gate)
        {
            _leave.Cancel();
        }
    }
}
