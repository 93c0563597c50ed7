using Moesaic.Bindings;

namespace Moesaic.Interop;

/// <summary>What native library this program runs on. Thread-safe.</summary>
public static unsafe class LibraryInfo
{
    private static long s_numLeakedObjects;

    /// <summary>Version of the C ABI that this program was compiled for.</summary>
    public static int AbiVersion => (int)NativeConstants.MscAbiVersion;

    /// <summary>Path of the loaded library.</summary>
    /// <exception cref="NativeLibraryException">The library cannot be loaded.</exception>
    public static string Path => NativeLibraryLoader.LoadedPath;

    /// <summary>One line on the library's build: version, compiler, options.</summary>
    /// <exception cref="NativeLibraryException">The library cannot be loaded.</exception>
    public static string BuildInfo
    {
        get
        {
            NativeLibraryLoader.EnsureReady();
            return NativeStatus.Fetch(static (text, capacity, length) => NativeMethods.MscBuildInfoCopy(text, capacity, length));
        }
    }

    /// <summary>Objects of devices that became garbage without having been disposed; anything but 0 is a bug of the caller.
    /// Their memory stays taken: the garbage collector cannot know whether work in flight still uses it.</summary>
    public static long NumLeakedObjects => Interlocked.Read(ref s_numLeakedObjects);

    internal static void CountLeakedObject() => Interlocked.Increment(ref s_numLeakedObjects);
}
