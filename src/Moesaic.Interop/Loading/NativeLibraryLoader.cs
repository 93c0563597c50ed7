using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Moesaic.Bindings;

namespace Moesaic.Interop;

/// <summary>Finds and loads the native library once: beside the program, else where <see cref="PathVariable"/> says,
/// and nowhere else. Every type that can be used without a <see cref="Device"/> calls <see cref="EnsureReady"/> first.</summary>
internal static unsafe class NativeLibraryLoader
{
    /// <summary>Environment variable with the full path of the library.</summary>
    public const string PathVariable = "MOESAIC_NATIVE_LIBRARY";

    private const string LibraryName = "moesaic";

    private static readonly Lock Gate = new();
    private static volatile bool s_ready;
    private static nint s_library;
    private static string? s_path;

    /// <summary>File name of the library on this system.</summary>
    public static string FileName { get; } =
        OperatingSystem.IsWindows() ? "moesaic.dll" : OperatingSystem.IsMacOS() ? "libmoesaic.dylib" : "libmoesaic.so";

    /// <summary>Path of the loaded library.</summary>
    public static string LoadedPath
    {
        get
        {
            EnsureReady();
            return s_path!;
        }
    }

    /// <summary>Loads the library and checks its ABI version; later calls cost one read. Thread-safe.</summary>
    /// <exception cref="NativeLibraryException">It is missing, does not load, or has another ABI version.</exception>
    public static void EnsureReady()
    {
        if (!s_ready)
        {
            LoadOnce();
        }
    }

    /// <summary>The places that are looked at, in order, for a program in <paramref name="baseFolder"/>.</summary>
    public static IEnumerable<string> Candidates(string baseFolder, string? explicitPath)
    {
        yield return Path.Combine(baseFolder, FileName);
        yield return Path.Combine(baseFolder, "runtimes", RuntimeInformation.RuntimeIdentifier, "native", FileName);
        if (!string.IsNullOrEmpty(explicitPath))
        {
            yield return Path.GetFullPath(explicitPath);
        }
    }

    /// <summary>Loads the first candidate that exists.</summary>
    /// <exception cref="NativeLibraryException">None exists, or the first that does cannot be loaded.</exception>
    public static (nint Library, string Path) Load(IEnumerable<string> candidates)
    {
        StringBuilder tried = new();
        foreach (string path in candidates)
        {
            if (!File.Exists(path))
            {
                tried.Append("\n  ").Append(path);
                continue;
            }

            string? problem;
            try
            {
                problem = OperatingSystem.IsLinux() ? ElfFile.FindProblem(path) : null;
                if (problem is null)
                {
                    return (NativeLibrary.Load(path), path);
                }
            }
            catch (Exception e) when (e is DllNotFoundException or BadImageFormatException or IOException or UnauthorizedAccessException)
            {
                problem = Reason(e.Message);
            }

            throw new NativeLibraryException($"The native library {path} cannot be loaded: {problem}. Build this program again.");
        }

        throw new NativeLibraryException(
            $"The native library {FileName} was not found. Looked for:{tried}\n" +
            $"Build it with ./build.sh build (or cmake --preset release && cmake --build --preset release, then build this " +
            $"program again), or name its file in the environment variable {PathVariable}.");
    }

    /// <summary>Refuses a library whose ABI is not the one this program was compiled for.</summary>
    public static void CheckAbiVersion(uint found, string path)
    {
        if (found != NativeConstants.MscAbiVersion)
        {
            throw new NativeLibraryException(
                $"The native library {path} has ABI version {found}, but this program needs {NativeConstants.MscAbiVersion}: " +
                "build both from the same source.");
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void LoadOnce()
    {
        lock (Gate)
        {
            if (s_ready)
            {
                return;
            }

            if (s_library == 0)
            {
                (s_library, s_path) = Load(
                    Candidates(AppContext.BaseDirectory, Environment.GetEnvironmentVariable(PathVariable)));
                NativeLibrary.SetDllImportResolver(
                    typeof(NativeMethods).Assembly, static (name, _, _) => name == LibraryName ? s_library : 0);
            }

            CheckAbiVersion(FoundAbiVersion(), s_path!);
            s_ready = true;
        }
    }

    // The runtime puts advice about tracing before what the system's loader said.
    private static string Reason(string message)
    {
        int last = message.TrimEnd().LastIndexOf('\n');
        return message[(last + 1)..].Trim().TrimEnd('.');
    }

    private static uint FoundAbiVersion()
    {
        try
        {
            uint version;
            NativeMethods.MscAbiVersion(&version).ThrowOnError();
            return version;
        }
        catch (EntryPointNotFoundException)
        {
            throw new NativeLibraryException($"The file {s_path} is another library: it has no ABI version. Build this program again.");
        }
    }
}
