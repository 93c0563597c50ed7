using System.Runtime.InteropServices;

namespace Moesaic.Interop;

/// <summary>Native memory as a span. Holds the memory while it lives: a dispose of its owner takes effect afterwards.
/// Use it in a <c>using</c> statement.</summary>
public unsafe ref struct HostView<T>
    where T : unmanaged
{
    private readonly SafeHandle _owner;
    private readonly T* _pointer;
    private readonly int _count;
    private bool _held;

    internal HostView(SafeHandle owner, void* pointer, int count)
    {
        owner.DangerousAddRef(ref _held);
        _owner = owner;
        _pointer = (T*)pointer;
        _count = count;
    }

    /// <summary>The memory; not to be used after <see cref="Dispose"/>.</summary>
    /// <exception cref="ObjectDisposedException">The view was disposed.</exception>
    public readonly Span<T> Span
    {
        get
        {
            ObjectDisposedException.ThrowIf(!_held, typeof(HostView<T>));
            return new Span<T>(_pointer, _count);
        }
    }

    public void Dispose()
    {
        if (_held)
        {
            _held = false;
            _owner.DangerousRelease();
        }
    }
}
