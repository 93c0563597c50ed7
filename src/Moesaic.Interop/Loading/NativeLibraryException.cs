namespace Moesaic.Interop;

/// <summary>The native library is missing, cannot be loaded, or is of another version than this program.</summary>
public sealed class NativeLibraryException(string message) : Exception(message);
