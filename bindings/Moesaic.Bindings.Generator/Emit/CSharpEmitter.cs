using Moesaic.Bindings.Generator.Model;

namespace Moesaic.Bindings.Generator.Emit;

/// <summary>One header as C# files: a folder of its name, one file a type, one for its functions and one for its constants.</summary>
internal static class CSharpEmitter
{
    /// <returns>Path (relative to the output folder, with forward slashes) and text of each file.</returns>
    public static IEnumerable<(string Path, string Text)> Emit(HeaderModel header, GeneratorOptions options)
    {
        string folder = Naming.Pascal(header.Name);
        foreach (EnumModel model in header.Enums)
        {
            yield return ($"{folder}/{Naming.Pascal(model.Name)}.g.cs", Enum(header, model, options));
        }

        foreach (OpaqueModel model in header.Opaques)
        {
            yield return ($"{folder}/{Naming.Pascal(model.Name)}.g.cs", Opaque(header, model, options));
        }

        foreach (StructModel model in header.Structs)
        {
            yield return ($"{folder}/{Naming.Pascal(model.Name)}.g.cs", StructEmitter.Emit(header, model, options));
        }

        if (header.Constants.Count > 0)
        {
            yield return ($"{folder}/NativeConstants.{folder}.g.cs", Constants(header, options));
        }

        if (header.Functions.Count > 0)
        {
            yield return ($"{folder}/NativeMethods.{folder}.g.cs", Functions(header, options));
        }
    }

    private static string Enum(HeaderModel header, EnumModel model, GeneratorOptions options)
    {
        SourceText source = SourceText.CSharp(header, options.HeaderFolder, options.Namespace);
        source.Docs(model.Comment, model.Name);
        source.Line($"internal enum {Naming.Pascal(model.Name)}");
        source.Open();
        foreach (EnumMemberModel member in model.Members)
        {
            source.Docs(member.Comment, member.Name);
            source.Line($"{Naming.EnumMember(model.Name, member.Name)} = {member.Value},");
        }

        source.Close();
        return source.ToString();
    }

    private static string Opaque(HeaderModel header, OpaqueModel model, GeneratorOptions options)
    {
        SourceText source = SourceText.CSharp(header, options.HeaderFolder, options.Namespace);
        if (DocComment.Parse(model.Comment).Summary.Count > 0)
        {
            source.Docs(model.Comment, model.Name);
        }
        else
        {
            source.Line($"/// <summary>Opaque native object <c>{model.Name}</c>; used by pointer only.</summary>");
        }

        source.Line($"internal readonly struct {Naming.Pascal(model.Name)};");
        return source.ToString();
    }

    private static string Constants(HeaderModel header, GeneratorOptions options)
    {
        SourceText source = SourceText.CSharp(header, options.HeaderFolder, options.Namespace);
        source.Line("internal static partial class NativeConstants");
        source.Open();
        for (int i = 0; i < header.Constants.Count; i++)
        {
            if (i > 0)
            {
                source.Line();
            }

            ConstantModel constant = header.Constants[i];
            source.Docs(constant.Comment, constant.Name);
            (string type, string suffix) = (constant.Value, constant.IsUnsigned) switch
            {
                ( <= int.MaxValue, false) => ("int", string.Empty),
                ( <= uint.MaxValue, true) => ("uint", "u"),
                ( <= long.MaxValue, false) => ("long", "L"),
                _ => ("ulong", "UL"),
            };
            source.Line($"public const {type} {Naming.Pascal(constant.Name)} = {constant.Value}{suffix};");
        }

        source.Close();
        return source.ToString();
    }

    private static string Functions(HeaderModel header, GeneratorOptions options)
    {
        SourceText source = SourceText.CSharp(
            header, options.HeaderFolder, options.Namespace, "System.Runtime.CompilerServices", "System.Runtime.InteropServices");
        source.Line("internal static unsafe partial class NativeMethods");
        source.Open();
        for (int i = 0; i < header.Functions.Count; i++)
        {
            if (i > 0)
            {
                source.Line();
            }

            FunctionModel function = header.Functions[i];
            source.Docs(function.Comment, function.Name, [.. function.Parameters.Select(p => p.Name)]);
            source.Line($"[LibraryImport(\"{options.Library}\", EntryPoint = \"{function.Name}\")]");
            source.Line("[UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]");
            string parameters = string.Join(", ", function.Parameters.Select(p => $"{p.Type.CSharp} {Naming.Camel(p.Name)}"));
            source.Line($"public static partial {function.Result.CSharp} {Naming.Pascal(function.Name)}({parameters});");
        }

        source.Close();
        return source.ToString();
    }
}
