using System.Text.RegularExpressions;

namespace Moesaic.Architecture.Tests;

/// <summary>The native library never ends the process and never prints.</summary>
internal sealed partial class NativeSourceTests
{
    [Test]
    public void Native_sources_neither_exit_nor_abort_nor_print()
    {
        List<string> offenders = [];
        foreach (string file in Sources())
        {
            string[] lines = Repository.Read(file).Split('\n');
            for (int i = 0; i < lines.Length; i++)
            {
                string code = lines[i].Split("//", 2)[0];
                if (Forbidden().IsMatch(code))
                {
                    offenders.Add($"{file}:{i + 1}: {lines[i].Trim()}");
                }
            }
        }

        Assert.That(Sources(), Is.Not.Empty);
        Assert.That(offenders, Is.Empty);
    }

    [TestCase("  exit(1);", true)]
    [TestCase("std::abort();", true)]
    [TestCase("printf (\"x\");", true)]
    [TestCase("std::cerr << x;", true)]
    [TestCase("std::vsnprintf(text, size, format, arguments);", false)]
    [TestCase("__attribute__((format(printf, 2, 3)))", false)]
    [TestCase("on_exit_of(scope);", false)]
    public void The_pattern_finds_what_it_should(string code, bool isForbidden) =>
        Assert.That(Forbidden().IsMatch(code), Is.EqualTo(isForbidden));

    private static string[] Sources() =>
        [.. new[] { "*.cc", "*.h", "*.cu", "*.cuh" }.SelectMany(pattern => Repository.Files("native/src", pattern))];

    [GeneratedRegex(@"\b(exit|_exit|_Exit|quick_exit|abort|terminate|printf|fprintf|puts|fputs|putchar|perror)\s*\(|\bstd::(cout|cerr|clog)\b")]
    private static partial Regex Forbidden();
}
