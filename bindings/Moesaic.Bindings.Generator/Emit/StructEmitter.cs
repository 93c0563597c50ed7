using Moesaic.Bindings.Generator.Model;

namespace Moesaic.Bindings.Generator.Emit;

/// <summary>A C struct as a blittable C# struct: arrays of numbers as fixed buffers, arrays of structs as inline arrays.</summary>
internal static class StructEmitter
{
    /// <summary>Name of the field by which a struct states its own size; such structs get a <c>Create</c> that sets it.</summary>
    private const string SizeField = "struct_size";

    public static string Emit(HeaderModel header, StructModel model, GeneratorOptions options)
    {
        SourceText source = SourceText.CSharp(
            header, options.HeaderFolder, options.Namespace, "System.Runtime.CompilerServices", "System.Runtime.InteropServices");
        string name = Naming.Pascal(model.Name);
        source.Docs(model.Comment, model.Name);
        source.Line("[StructLayout(LayoutKind.Sequential)]");
        source.Line($"internal unsafe struct {name}");
        source.Open();
        for (int i = 0; i < model.Fields.Count; i++)
        {
            if (i > 0)
            {
                source.Line();
            }

            FieldModel field = model.Fields[i];
            source.Docs(field.Comment, $"{model.Name}.{field.Name}");
            source.Line(Field(field));
        }

        if (model.Fields is [{ Name: SizeField }, ..])
        {
            source.Line();
            source.Line($"/// <summary>All zero but for the size, which <c>{SizeField}</c> states.</summary>");
            source.Line($"public static {name} Create() => new() {{ StructSize = (uint)sizeof({name}) }};");
        }

        foreach (FieldModel field in model.Fields.Where(IsInlineArray))
        {
            source.Line();
            source.Line($"/// <summary>The {field.Count} elements of <see cref=\"{Naming.Pascal(field.Name)}\"/>.</summary>");
            source.Line($"[InlineArray({field.Count})]");
            source.Line($"public struct {InlineArrayName(field)}");
            source.Open();
            source.Line($"private {field.Type.CSharp} _element0;");
            source.Close();
        }

        source.Close();
        return source.ToString();
    }

    /// <summary>Whether the field is an array that C# cannot declare as a fixed buffer.</summary>
    private static bool IsInlineArray(FieldModel field) => field.Count > 0 && !field.Type.IsPrimitive;

    private static string InlineArrayName(FieldModel field) => Naming.Pascal(field.Name) + "Array";

    private static string Field(FieldModel field)
    {
        string name = Naming.Pascal(field.Name);
        return field switch
        {
            { Count: 0 } => $"public {field.Type.CSharp} {name};",
            { Type.IsPrimitive: true } => $"public fixed {field.Type.CSharp} {name}[{field.Count}];",
            _ => $"public {InlineArrayName(field)} {name};",
        };
    }
}
