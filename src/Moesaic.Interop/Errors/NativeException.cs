namespace Moesaic.Interop;

/// <summary>A call into the native library failed; the message is the library's own text.</summary>
public sealed class NativeException(NativeErrorClass errorClass, string message) : Exception(message)
{
    /// <summary>What the caller can do about it.</summary>
    public NativeErrorClass ErrorClass { get; } = errorClass;
}
