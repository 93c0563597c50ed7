using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Moesaic.Bindings;

namespace Moesaic.Interop;

/// <summary>One native object; 0 is no object.</summary>
internal abstract unsafe class NativeHandle() : SafeHandle(0, ownsHandle: true)
{
    // SafeHandle counts as open until its last reference has gone; users of a disposed object must be told before.
    private volatile bool _isDisposed;

    public override bool IsInvalid => handle == 0;

    /// <summary>Whether the native object has been destroyed, which the last reference does.</summary>
    public bool IsDestroyed { get; private set; }

    /// <summary>Takes over what a create entry returned.</summary>
    /// <exception cref="NativeException">The entry failed; this handle is then closed and holds nothing.</exception>
    public void Own(MscStatus status, void* native)
    {
        if (status != MscStatus.Ok)
        {
            NativeException error = NativeStatus.ToException(status);
            Abandon();
            SetHandleAsInvalid();
            throw error;
        }

        SetHandle((nint)native);
    }

    /// <summary>The object's address for a call that no other thread can race with a dispose.</summary>
    /// <exception cref="ObjectDisposedException">The object was disposed.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public nint Use()
    {
        if (_isDisposed)
        {
            ThrowDisposed();
        }

        return handle;
    }

    protected override void Dispose(bool disposing)
    {
        _isDisposed = true;
        base.Dispose(disposing);
    }

    /// <summary>Gives back what the constructor took, when there will be no native object.</summary>
    protected virtual void Abandon()
    {
    }

    protected sealed override bool ReleaseHandle() => IsDestroyed = Destroy() == MscStatus.Ok;

    /// <summary>Ends the native object.</summary>
    protected abstract MscStatus Destroy();

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ThrowDisposed()
    {
        const string suffix = "Handle";
        string name = GetType().Name;
        throw new ObjectDisposedException(name[..^suffix.Length], $"This {name[..^suffix.Length]} was disposed; it cannot be used any more.");
    }
}
