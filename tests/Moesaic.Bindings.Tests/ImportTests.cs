using System.Reflection;
using System.Runtime.InteropServices;

namespace Moesaic.Bindings.Tests;

/// <summary>The built native library has every entry that the bindings import.</summary>
internal sealed class ImportTests
{
    [Test]
    public void Every_import_resolves_in_the_native_library()
    {
        string path = Path.Combine(AppContext.BaseDirectory, "libmoesaic.so");
        Assert.That(File.Exists(path), Is.True, "libmoesaic.so is not beside the tests: build the native library, then this project again.");
        nint library = NativeLibrary.Load(path);
        try
        {
            string[] entries = Entries();
            string[] missing = [.. entries.Where(entry => !NativeLibrary.TryGetExport(library, entry, out _))];
            Assert.That(entries, Has.Length.GreaterThan(40));
            Assert.That(missing, Is.Empty, "entries declared in the headers that the library does not export");
        }
        finally
        {
            NativeLibrary.Free(library);
        }
    }

    [Test]
    public void Every_import_has_only_blittable_types()
    {
        foreach (MethodInfo method in Imports())
        {
            foreach (Type type in method.GetParameters().Select(p => p.ParameterType).Append(method.ReturnType))
            {
                Assert.That(type.IsPointer || type.IsPrimitive || type.IsEnum, Is.True, $"{method.Name}: {type}");
            }
        }
    }

    private static string[] Entries() => [.. Imports().Select(m => m.GetCustomAttribute<DllImportAttribute>()!.EntryPoint!).Order(StringComparer.Ordinal)];

    private static IEnumerable<MethodInfo> Imports() =>
        typeof(NativeMethods).GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic)
            .Where(m => m.GetCustomAttribute<DllImportAttribute>() is not null);
}
