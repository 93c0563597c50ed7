using System.Runtime.InteropServices;
using Moesaic.Bindings;

namespace Moesaic.Interop;

/// <summary>A whole file mapped read-only. Unmapped on dispose, when every pointer into it dies.</summary>
/// <remarks>Reading and <see cref="Advise"/> are thread-safe; disposal must come after the last use.</remarks>
public sealed unsafe class MappedFile : IDisposable
{
    private readonly MappedFileHandle _handle;
    private readonly nint _pointer;

    private MappedFile(MappedFileHandle handle, nint pointer, long length)
    {
        _handle = handle;
        _pointer = pointer;
        Length = length;
    }

    /// <summary>Address of the file's first byte.</summary>
    /// <exception cref="ObjectDisposedException">The file was unmapped.</exception>
    public nint Pointer
    {
        get
        {
            _ = _handle.Use();
            return _pointer;
        }
    }

    /// <summary>Length of the file in bytes when it was mapped.</summary>
    public long Length { get; }

    /// <exception cref="NativeLibraryException">The native library cannot be loaded.</exception>
    /// <exception cref="NativeException">The file cannot be opened or mapped.</exception>
    public static MappedFile Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        NativeLibraryLoader.EnsureReady();
        MappedFileHandle handle = new();
        MscMappedFile* native = null;
        byte* utf8 = (byte*)Marshal.StringToCoTaskMemUTF8(path);
        try
        {
            handle.Own(NativeMethods.MscMappedFileOpen(utf8, &native), native);
        }
        finally
        {
            Marshal.FreeCoTaskMem((nint)utf8);
        }

        try
        {
            void* address;
            ulong sizeBytes;
            NativeMethods.MscMappedFileView(native, &address, &sizeBytes).ThrowOnError();
            return new MappedFile(handle, (nint)address, checked((long)sizeBytes));
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>Advises on bytes [offset, offset + length), in whole pages such that no neighbour is dropped.</summary>
    /// <exception cref="NativeException">The range does not lie in the file.</exception>
    public void Advise(long offset, long length, FileAdvice advice)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        _ = _handle.Use();
        bool held = false;
        try
        {
            // Loaders release parts from several threads.
            _handle.DangerousAddRef(ref held);
            NativeMethods.MscMappedFileAdvise(
                (MscMappedFile*)_handle.DangerousGetHandle(), (ulong)offset, (ulong)length, (int)advice).ThrowOnError();
        }
        finally
        {
            if (held)
            {
                _handle.DangerousRelease();
            }
        }
    }

    /// <summary>Bytes [offset, offset + length) are no longer needed in memory.</summary>
    public void Release(long offset, long length) => Advise(offset, length, FileAdvice.DontNeed);

    public void Dispose() => _handle.Dispose();
}
