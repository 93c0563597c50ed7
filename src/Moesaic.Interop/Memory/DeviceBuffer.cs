using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Moesaic.Bindings;

namespace Moesaic.Interop;

/// <summary>Zeroed device memory, aligned to 64 bytes.</summary>
/// <remarks>See <see cref="Device"/> for ownership and threads.</remarks>
public sealed unsafe class DeviceBuffer : IDisposable
{
    private readonly BufferHandle _handle;
    private readonly byte* _host; // null where the host cannot reach the memory

    private DeviceBuffer(BufferHandle handle, long sizeBytes, byte* host)
    {
        _handle = handle;
        _host = host;
        SizeBytes = sizeBytes;
    }

    public long SizeBytes { get; }

    /// <summary>Whether <see cref="MapHost{T}(long, int)"/> works: the memory of CPU devices.</summary>
    public bool IsHostVisible => _host is not null;

    internal MscBuffer* Native => (MscBuffer*)_handle.Use();

    /// <exception cref="NativeException">The device is out of memory.</exception>
    public static DeviceBuffer Create(Device device, long sizeBytes)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentOutOfRangeException.ThrowIfNegative(sizeBytes);
        BufferHandle handle = new(device.Handle);
        MscBuffer* native = null;
        handle.Own(NativeMethods.MscBufferCreate(handle.Device, (ulong)sizeBytes, &native), native);
        try
        {
            void* host = null;
            if (device.Info.Backend == Backend.Cpu)
            {
                NativeMethods.MscBufferHostPointer(native, &host).ThrowOnError();
            }

            return new DeviceBuffer(handle, sizeBytes, (byte*)host);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>The memory itself, for reading and writing on the host between pieces of work.</summary>
    /// <param name="offsetBytes">Start of the view; aligned for <typeparamref name="T"/>.</param>
    /// <param name="count">Elements of the view.</param>
    /// <exception cref="InvalidOperationException">The host cannot reach this memory.</exception>
    public HostView<T> MapHost<T>(long offsetBytes, int count)
        where T : unmanaged
    {
        CheckRange(offsetBytes, (long)sizeof(T) * count, count);
        if (_host is null)
        {
            throw new InvalidOperationException("The host cannot reach this device's memory; use Upload and Download.");
        }

        if (offsetBytes % sizeof(T) != 0 && (sizeof(T) & (sizeof(T) - 1)) == 0)
        {
            throw new ArgumentException($"Offset {offsetBytes} is not aligned for elements of {sizeof(T)} bytes.", nameof(offsetBytes));
        }

        _ = _handle.Use();
        return new HostView<T>(_handle, _host + offsetBytes, count);
    }

    /// <summary>The whole memory; it must hold at most <see cref="int.MaxValue"/> elements.</summary>
    /// <exception cref="InvalidOperationException">The host cannot reach this memory.</exception>
    public HostView<T> MapHost<T>()
        where T : unmanaged => MapHost<T>(0, checked((int)(SizeBytes / sizeof(T))));

    /// <summary>Enqueues a copy from the host; the source may be reused after the call.</summary>
    public void Upload<T>(ComputeStream stream, long offsetBytes, ReadOnlySpan<T> source)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(stream);
        ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(source);
        CheckRange(offsetBytes, bytes.Length, bytes.Length);
        fixed (byte* host = bytes)
        {
            NativeMethods.MscBufferUpload(stream.Native, Native, (ulong)offsetBytes, host, (ulong)bytes.Length).ThrowOnError();
        }
    }

    /// <summary>Copies to the host after all work of the stream, and waits for the copy.</summary>
    public void Download<T>(ComputeStream stream, long offsetBytes, Span<T> target)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(stream);
        Span<byte> bytes = MemoryMarshal.AsBytes(target);
        CheckRange(offsetBytes, bytes.Length, bytes.Length);
        fixed (byte* host = bytes)
        {
            NativeMethods.MscBufferDownload(stream.Native, Native, (ulong)offsetBytes, host, (ulong)bytes.Length).ThrowOnError();
            // The target is pinned only here.
            stream.Synchronize();
        }
    }

    public void Dispose() => _handle.Dispose();

    private void CheckRange(long offsetBytes, long lengthBytes, long count)
    {
        if (offsetBytes < 0 || count < 0 || lengthBytes > SizeBytes || offsetBytes > SizeBytes - lengthBytes)
        {
            ThrowRange(offsetBytes, lengthBytes);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ThrowRange(long offsetBytes, long lengthBytes) => throw new ArgumentOutOfRangeException(
        nameof(offsetBytes), $"Bytes {offsetBytes} to {offsetBytes + lengthBytes} do not lie in this buffer of {SizeBytes} bytes.");
}
