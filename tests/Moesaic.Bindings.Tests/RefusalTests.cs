using Moesaic.Bindings.Generator;
using Moesaic.Bindings.Generator.Emit;

namespace Moesaic.Bindings.Tests;

/// <summary>What cannot be carried over is an error that names the place; it is never left out.</summary>
internal sealed class RefusalTests
{
    private DirectoryInfo _folder = null!;

    [SetUp]
    public void CreateFolder() => _folder = Directory.CreateTempSubdirectory("moesaic-bindings-");

    [TearDown]
    public void DeleteFolder() => _folder.Delete(recursive: true);

    [TestCase("typedef struct s { int32_t a : 3; } s;", "bad.h:2: s.a: bit fields")]
    [TestCase("typedef union u { int32_t a; float b; } u;", "UnionDecl")]
    [TestCase("typedef struct s { struct inner { int32_t a; } b; } s;", "outside of the struct")]
    [TestCase("typedef struct s { long a; } s;", "type 'long' has no counterpart")]
    [TestCase("typedef struct s { int a; } s;", "type 'int' has no counterpart")]
    [TestCase("typedef struct s { _Bool a; } s;", "has no counterpart")]
    [TestCase("typedef struct s { void* a[4]; } s;", "arrays of pointers")]
    [TestCase("void f(int32_t count, ...);", "variadic")]
    [TestCase("void f(void (*g)(int32_t, ...));", "variadic")]
    [TestCase("void f(int32_t);", "needs a name")]
    [TestCase("enum { E_A = 0 };", "needs a name")]
    [TestCase("typedef enum e { OTHER_A = 0 } e;", "must start with E_")]
    [TestCase("typedef enum e { E_A = 0xffffffff } e;", "does not fit in a signed 32-bit integer")]
    [TestCase("extern int32_t counter;", "VarDecl")]
    [TestCase("#define TWICE(x) ((x) * 2)", "one integer literal")]
    [TestCase("#define SUM 1 + 2", "one integer literal")]
    [TestCase("#define EIGHT 010", "one integer literal")]
    [TestCase("/** @param nothing is no parameter. */\nvoid f(int32_t a);", "'nothing', which is no parameter")]
    [TestCase("void f(unknown_t a);", "does not compile cleanly")]
    public void Refused_with_place_and_reason(string declaration, string expected)
    {
        GeneratorException? error = Assert.Throws<GeneratorException>(() => Generate("#include <stdint.h>\n" + declaration + "\n"));
        Assert.That(error!.Message, Does.Contain(expected));
        Assert.That(error.Message, Does.Contain("bad.h").Or.Contain("E_").Or.Contain("f:"));
    }

    [Test]
    public void Empty_folder_is_refused() =>
        Assert.Throws<GeneratorException>(() => BindingsGenerator.ReadHeaders(_folder.FullName, _folder.FullName));

    private void Generate(string header)
    {
        File.WriteAllText(Path.Combine(_folder.FullName, "bad.h"), header);
        _ = BindingsGenerator.ReadHeaders(_folder.FullName, _folder.FullName)
            .SelectMany(h => CSharpEmitter.Emit(h, GeneratorOptions.Moesaic))
            .ToArray();
    }
}
