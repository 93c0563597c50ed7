using Moesaic.Bindings.Generator.Emit;
using Moesaic.Bindings.Generator.Model;

namespace Moesaic.Bindings.Generator;

/// <summary>From a folder of headers to everything that is generated from them.</summary>
internal static class BindingsGenerator
{
    /// <summary>Reads every header of a folder, by name.</summary>
    public static IReadOnlyList<HeaderModel> ReadHeaders(string headerFolder, string includeFolder)
    {
        if (!Directory.Exists(headerFolder))
        {
            throw new GeneratorException($"{headerFolder} does not exist; give the repository's root with --root.");
        }

        HeaderModel[] headers =
        [
            .. Directory.EnumerateFiles(headerFolder, "*.h")
                .Order(StringComparer.Ordinal)
                .Select(path => HeaderReader.Read(path, includeFolder)),
        ];
        return headers.Length > 0 ? headers : throw new GeneratorException($"{headerFolder} holds no header.");
    }

    /// <summary>All generated files of the repository.</summary>
    public static IReadOnlyList<OutputSet> Generate(string root)
    {
        GeneratorOptions options = GeneratorOptions.Moesaic;
        IReadOnlyList<HeaderModel> headers = ReadHeaders(
            Path.Combine(root, "native", "include", "moesaic"), Path.Combine(root, "native", "include"));
        Dictionary<string, string> bindings = headers
            .SelectMany(header => CSharpEmitter.Emit(header, options))
            .ToDictionary(file => file.Path, file => file.Text);
        return
        [
            new OutputSet(Path.Combine(root, "bindings", "Moesaic.Bindings", "Generated"), ".g.cs", bindings),
            new OutputSet(
                Path.Combine(root, "tests", "Moesaic.Bindings.Tests", "Generated"), ".g.cs",
                new Dictionary<string, string> { ["LayoutTable.g.cs"] = LayoutEmitter.ManagedTable(headers, options) }),
            new OutputSet(
                Path.Combine(root, "native", "tests", "generated"), ".g.c",
                new Dictionary<string, string> { ["layout.g.c"] = LayoutEmitter.StaticAssertions(headers, options) }),
        ];
    }
}
