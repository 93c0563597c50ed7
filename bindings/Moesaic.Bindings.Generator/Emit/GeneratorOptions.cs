namespace Moesaic.Bindings.Generator.Emit;

/// <summary>Names that the output carries; the same for every header.</summary>
/// <param name="Namespace">Namespace of the bindings.</param>
/// <param name="Library">Name that imports give the loader.</param>
/// <param name="HeaderFolder">Folder of the headers as named in provenance lines, relative to the repository.</param>
/// <param name="IncludePrefix">Folder that C code includes the headers from.</param>
internal sealed record GeneratorOptions(string Namespace, string Library, string HeaderFolder, string IncludePrefix)
{
    public static GeneratorOptions Moesaic { get; } =
        new("Moesaic.Bindings", "moesaic", "native/include/moesaic", "moesaic");
}
