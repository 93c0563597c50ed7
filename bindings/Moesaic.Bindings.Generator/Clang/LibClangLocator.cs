using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace Moesaic.Bindings.Generator.Clang;

/// <summary>Finds an installed libclang of any version, the newest first.</summary>
internal static partial class LibClangLocator
{
    /// <summary>Path of a libclang to use instead of searching.</summary>
    public const string PathVariable = "MOESAIC_LIBCLANG";

    /// <summary>Loads libclang.</summary>
    /// <exception cref="GeneratorException">No libclang could be loaded.</exception>
    public static nint Load()
    {
        string? chosen = Environment.GetEnvironmentVariable(PathVariable);
        if (!string.IsNullOrEmpty(chosen))
        {
            return NativeLibrary.TryLoad(chosen, out nint library)
                ? library
                : throw new GeneratorException($"{PathVariable} names {chosen}, which cannot be loaded as a shared library.");
        }

        foreach (string candidate in Candidates())
        {
            if (NativeLibrary.TryLoad(candidate, out nint library))
            {
                return library;
            }
        }

        throw new GeneratorException(
            "No libclang was found. Install one (Debian and Ubuntu: libclang1-14 or newer; Windows and macOS: LLVM) " +
            $"or name its file in {PathVariable}.");
    }

    private static IEnumerable<string> Candidates()
    {
        List<(int Version, string Path)> found = [];
        foreach (string folder in Folders().Where(Directory.Exists))
        {
            foreach (string path in Directory.EnumerateFiles(folder, "*clang*"))
            {
                Match match = FileName().Match(Path.GetFileName(path));
                if (match.Success)
                {
                    string version = match.Groups["version"].Value;
                    found.Add((version.Length == 0 ? 0 : int.Parse(version, CultureInfo.InvariantCulture), path));
                }
            }
        }

        return found
            .OrderByDescending(f => f.Version)
            .ThenBy(f => f.Path, StringComparer.Ordinal)
            .Select(f => f.Path)
            .Append("libclang");
    }

    private static IEnumerable<string> Folders()
    {
        string[] fixedFolders =
        [
            "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib", "/usr/local/lib",
            "/opt/homebrew/opt/llvm/lib", "/Library/Developer/CommandLineTools/usr/lib",
            Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.ProgramFiles), "LLVM", "bin"),
        ];
        IEnumerable<string> versioned = Directory.Exists("/usr/lib")
            ? Directory.EnumerateDirectories("/usr/lib", "llvm*").Select(f => Path.Combine(f, "lib"))
            : [];
        return fixedFolders.Concat(versioned);
    }

    // libclang.so, libclang-14.so.1, libclang-14.so.14.0.6, libclang.so.18, libclang.dylib, libclang.dll; never libclang-cpp.
    [GeneratedRegex(@"^libclang(-(?<version>\d+))?\.(so(\.(?<version>\d+)[\d.]*)?|dylib|dll)$")]
    private static partial Regex FileName();
}
