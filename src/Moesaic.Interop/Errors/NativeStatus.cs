using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Text;
using Moesaic.Bindings;

namespace Moesaic.Interop;

/// <summary>Status codes to exceptions. The text belongs to the calling thread, so it is fetched at once.</summary>
internal static unsafe class NativeStatus
{
    /// <summary>Longest error text that is fetched; what the library says beyond is cut.</summary>
    private const int MaxTextBytes = 64 * 1024;

    /// <exception cref="NativeException">The status is an error.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ThrowOnError(this MscStatus status)
    {
        if (status != MscStatus.Ok)
        {
            Throw(status);
        }
    }

    /// <summary>The exception of an error status of the call just made on this thread.</summary>
    public static NativeException ToException(MscStatus status)
    {
        string text = LastErrorText();
        return status is MscStatus.BadArgument or MscStatus.OutOfResource or MscStatus.RequestFailed or MscStatus.DeviceLost
            ? new NativeException((NativeErrorClass)status, text)
            // A status this ABI version does not know: nothing can be said about the device's state.
            : new NativeException(NativeErrorClass.DeviceLost, $"The native library returned the unknown status {(int)status}: {text}");
    }

    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Throw(MscStatus status) => throw ToException(status);

    private static string LastErrorText() => Fetch(static (text, capacity, length) => NativeMethods.MscLastErrorCopy(text, capacity, length));

    /// <summary>Reads a text by the library's two-step convention: ask for the length, then for the bytes.</summary>
    public static string Fetch(TextSource source)
    {
        ulong length;
        if (source(null, 0, &length) != MscStatus.Ok || length == 0)
        {
            return string.Empty;
        }

        byte[] bytes = new byte[Math.Min(length, MaxTextBytes) + 1];
        fixed (byte* text = bytes)
        {
            return source(text, (ulong)bytes.Length, null) == MscStatus.Ok
                ? Encoding.UTF8.GetString(bytes, 0, bytes.Length - 1)
                : string.Empty;
        }
    }

    /// <summary>An entry that copies a text: see <c>msc_last_error_copy</c>.</summary>
    public delegate MscStatus TextSource(byte* text, ulong capacity, ulong* length);
}
