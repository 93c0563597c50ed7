using System.Globalization;
using Moesaic.Bindings.Generator.Clang;
using Moesaic.Bindings.Generator.Model;

namespace Moesaic.Bindings.Generator;

/// <summary>Reads one header into a <see cref="HeaderModel"/>; whatever it cannot carry over is an error, never left out.</summary>
internal static class HeaderReader
{
    private const string ApiMacro = "MSC_API";

    /// <param name="path">The header.</param>
    /// <param name="includeFolder">Folder that the header's own includes start from.</param>
    public static HeaderModel Read(string path, string includeFolder)
    {
        using TranslationUnit unit = TranslationUnit.Parse(path, includeFolder);
        string file = Path.GetFileName(path);
        IReadOnlyDictionary<uint, string> comments = unit.DocCommentsByEndLine();
        List<ConstantModel> constants = [];
        List<EnumModel> enums = [];
        List<OpaqueModel> opaques = [];
        List<StructModel> structs = [];
        List<FunctionModel> functions = [];
        IReadOnlyList<Cursor> declarations = unit.Declarations();
        foreach (Cursor cursor in declarations)
        {
            string where = $"{file}:{cursor.Line}: {cursor.Name}";
            switch (cursor.Kind)
            {
                case CursorKind.MacroDefinition:
                    if (ReadConstant(cursor, comments, where) is { } constant)
                    {
                        constants.Add(constant);
                    }

                    break;
                case CursorKind.MacroExpansion or CursorKind.InclusionDirective or CursorKind.Typedef:
                    // A typedef is seen through where it is used.
                    break;
                case CursorKind.EnumDeclaration:
                    enums.Add(ReadEnum(cursor, comments, where));
                    break;
                case CursorKind.StructDeclaration when cursor.IsDefinition:
                    structs.Add(ReadStruct(cursor, where));
                    break;
                case CursorKind.StructDeclaration when !cursor.HasDefinition && opaques.TrueForAll(o => o.Name != cursor.Name):
                    // `typedef struct x x;`: libclang gives the comment to the typedef.
                    opaques.Add(new OpaqueModel(cursor.Name, declarations.FirstOrDefault(
                        d => d.Kind == CursorKind.Typedef && d.Name == cursor.Name, cursor).RawComment));
                    break;
                case CursorKind.StructDeclaration:
                    break;
                case CursorKind.Function:
                    functions.Add(ReadFunction(cursor, where));
                    break;
                default:
                    throw new GeneratorException($"{where}: a {cursor.KindName} cannot be carried over to C#.");
            }
        }

        return new HeaderModel(Path.GetFileNameWithoutExtension(path), constants, enums, opaques, structs, functions);
    }

    private static ConstantModel? ReadConstant(Cursor cursor, IReadOnlyDictionary<uint, string> comments, string where)
    {
        string name = cursor.Name;
        var tokens = cursor.Tokens().Where(t => t.Kind != TokenKind.Comment).Skip(1).ToArray();
        if (name == ApiMacro || tokens.Length == 0)
        {
            return null;
        }

        string comment = comments.GetValueOrDefault(cursor.Line - 1, string.Empty);
        return !cursor.IsFunctionLikeMacro && tokens.Length == 1 && TryParseLiteral(tokens[0].Text, out ulong value, out bool isUnsigned)
            ? new ConstantModel(name, comment, value, isUnsigned)
            : throw new GeneratorException($"{where}: a macro must be one integer literal to become a constant.");
    }

    private static bool TryParseLiteral(string text, out ulong value, out bool isUnsigned)
    {
        string digits = text.TrimEnd('u', 'U', 'l', 'L');
        isUnsigned = text[digits.Length..].Contains('u', StringComparison.OrdinalIgnoreCase);
        return digits.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
            ? ulong.TryParse(digits.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value)
            : ulong.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out value)
                && (digits.Length == 1 || digits[0] != '0'); // C reads 010 as eight
    }

    private static EnumModel ReadEnum(Cursor cursor, IReadOnlyDictionary<uint, string> comments, string where)
    {
        RequireName(cursor, where);
        bool isUnsigned = cursor.EnumIntegerType.Kind == TypeKind.UnsignedInt;
        List<EnumMemberModel> members = [];
        foreach (Cursor member in cursor.Children().Where(c => c.Kind == CursorKind.EnumConstant))
        {
            long value = isUnsigned ? (uint)member.EnumValue : member.EnumValue;
            if (value is < int.MinValue or > int.MaxValue)
            {
                throw new GeneratorException($"{where}: {member.Name} = {value} does not fit in a signed 32-bit integer.");
            }

            // libclang carries a comment over a comma to the next enumerator; only one that ends just above counts.
            string comment = comments.GetValueOrDefault(member.Line - 1, string.Empty);
            members.Add(new EnumMemberModel(member.Name, comment, value));
        }

        return new EnumModel(cursor.Name, cursor.RawComment, members);
    }

    private static StructModel ReadStruct(Cursor cursor, string where)
    {
        RequireName(cursor, where);
        List<FieldModel> fields = [];
        foreach (Cursor child in cursor.Children())
        {
            string fieldWhere = $"{where}.{child.Name}";
            if (child.Kind is CursorKind.StructDeclaration or CursorKind.UnionDeclaration or CursorKind.EnumDeclaration)
            {
                throw new GeneratorException($"{fieldWhere}: declare the {child.KindName} outside of the struct, under a name.");
            }

            if (child.Kind == CursorKind.Field)
            {
                fields.Add(ReadField(child, fieldWhere));
            }
        }

        return new StructModel(
            cursor.Name, cursor.RawComment,
            LibClang.clang_Type_getSizeOf(cursor.Type), LibClang.clang_Type_getAlignOf(cursor.Type), fields);
    }

    private static FieldModel ReadField(Cursor field, string where)
    {
        const int bitsPerByte = 8;
        if (field.IsBitField)
        {
            throw new GeneratorException($"{where}: bit fields have no fixed layout; use a sized integer.");
        }

        ClangType type = field.Type;
        long count = 0;
        if (type.Kind == TypeKind.ConstantArray)
        {
            count = LibClang.clang_getArraySize(type);
            type = LibClang.clang_getArrayElementType(type);
        }

        TypeModel mapped = TypeMapper.Map(type, where);
        return count > 0 && mapped.CSharp.EndsWith('*')
            ? throw new GeneratorException($"{where}: arrays of pointers are not carried over; use a pointer and a count.")
            : new FieldModel(field.Name, field.RawComment, mapped, count, field.OffsetBits / bitsPerByte);
    }

    private static FunctionModel ReadFunction(Cursor cursor, string where)
    {
        if (LibClang.clang_isFunctionTypeVariadic(cursor.Type) != 0)
        {
            throw new GeneratorException($"{where}: variadic functions cannot be called from C#.");
        }

        List<ParameterModel> parameters = [];
        foreach (Cursor parameter in cursor.Children().Where(c => c.Kind == CursorKind.Parameter))
        {
            RequireName(parameter, where);
            parameters.Add(new ParameterModel(parameter.Name, TypeMapper.Map(parameter.Type, $"{where}({parameter.Name})")));
        }

        return new FunctionModel(cursor.Name, cursor.RawComment, TypeMapper.Map(cursor.ResultType, where), parameters);
    }

    private static void RequireName(Cursor cursor, string where)
    {
        // libclang spells an unnamed declaration as a description with its place.
        if (cursor.Name.Length == 0 || cursor.Name.Contains(' ', StringComparison.Ordinal))
        {
            throw new GeneratorException($"{where}: the {cursor.KindName} needs a name.");
        }
    }
}
