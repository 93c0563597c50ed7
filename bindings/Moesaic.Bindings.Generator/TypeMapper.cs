using Moesaic.Bindings.Generator.Clang;
using Moesaic.Bindings.Generator.Model;

namespace Moesaic.Bindings.Generator;

/// <summary>C types to blittable C# types. What has no fixed size on every platform is refused.</summary>
internal static class TypeMapper
{
    private static readonly Dictionary<string, string> SizedIntegers = new()
    {
        ["int8_t"] = "sbyte",
        ["int16_t"] = "short",
        ["int32_t"] = "int",
        ["int64_t"] = "long",
        ["uint8_t"] = "byte",
        ["uint16_t"] = "ushort",
        ["uint32_t"] = "uint",
        ["uint64_t"] = "ulong",
        ["intptr_t"] = "nint",
        ["uintptr_t"] = "nuint",
        ["size_t"] = "nuint",
    };

    /// <param name="type">The C type.</param>
    /// <param name="where">The declaration it stands in, for the error.</param>
    public static TypeModel Map(ClangType type, string where)
    {
        switch (type.Kind)
        {
            case TypeKind.Void:
                return new TypeModel("void", IsPrimitive: false);
            case TypeKind.CharSigned or TypeKind.CharUnsigned:
                return new TypeModel("byte", IsPrimitive: true);
            case TypeKind.Float:
                return new TypeModel("float", IsPrimitive: true);
            case TypeKind.Double:
                return new TypeModel("double", IsPrimitive: true);
            case TypeKind.Elaborated:
                return Map(LibClang.clang_Type_getNamedType(type), where);
            case TypeKind.Typedef:
                return MapTypedef(type, where);
            case TypeKind.Record or TypeKind.Enum:
                return new TypeModel(Naming.Pascal(DeclarationName(type)), IsPrimitive: false);
            case TypeKind.Pointer:
                return MapPointer(LibClang.clang_getPointeeType(type), where);
            default:
                throw new GeneratorException(
                    $"{where}: type '{LibClang.Take(LibClang.clang_getTypeSpelling(type))}' has no counterpart here; " +
                    "use a sized integer, float, double, an enum, a struct or a pointer.");
        }
    }

    private static TypeModel MapTypedef(ClangType type, string where)
    {
        string name = DeclarationName(type);
        return SizedIntegers.TryGetValue(name, out string? sized)
            ? new TypeModel(sized, IsPrimitive: true)
            : Map(LibClang.clang_getTypedefDeclUnderlyingType(LibClang.clang_getTypeDeclaration(type)), where);
    }

    private static TypeModel MapPointer(ClangType pointee, string where)
    {
        if (pointee.Kind != TypeKind.FunctionPrototype)
        {
            return new TypeModel(Map(pointee, where).CSharp + "*", IsPrimitive: false);
        }

        if (LibClang.clang_isFunctionTypeVariadic(pointee) != 0)
        {
            throw new GeneratorException($"{where}: a pointer to a variadic function cannot be called from C#.");
        }

        List<string> types = [];
        for (int i = 0; i < LibClang.clang_getNumArgTypes(pointee); i++)
        {
            types.Add(Map(LibClang.clang_getArgType(pointee, (uint)i), where).CSharp);
        }

        types.Add(Map(LibClang.clang_getResultType(pointee), where).CSharp);
        return new TypeModel($"delegate* unmanaged[Cdecl]<{string.Join(", ", types)}>", IsPrimitive: false);
    }

    private static string DeclarationName(ClangType type) =>
        LibClang.NameOf(LibClang.clang_getTypeDeclaration(type));
}
