using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

[assembly: DisableRuntimeMarshalling]

namespace Moesaic.Bindings.Generator.Clang;

/// <summary>The entries of libclang's C API that the generator uses; the library is found by <see cref="LibClangLocator"/>.</summary>
internal static unsafe partial class LibClang
{
    private const string Library = "libclang";

    static LibClang() => NativeLibrary.SetDllImportResolver(
        typeof(LibClang).Assembly,
        static (name, _, _) => name == Library ? LibClangLocator.Load() : 0);

    [LibraryImport(Library)]
    public static partial void* clang_createIndex(int excludeDeclarationsFromPch, int displayDiagnostics);

    [LibraryImport(Library)]
    public static partial void clang_disposeIndex(void* index);

    [LibraryImport(Library)]
    public static partial int clang_parseTranslationUnit2(
        void* index, byte* sourceFile, byte** arguments, int numArguments,
        ClangUnsavedFile* unsavedFiles, uint numUnsavedFiles, uint options, void** unit);

    [LibraryImport(Library)]
    public static partial void clang_disposeTranslationUnit(void* unit);

    [LibraryImport(Library)]
    public static partial uint clang_getNumDiagnostics(void* unit);

    [LibraryImport(Library)]
    public static partial void* clang_getDiagnostic(void* unit, uint index);

    [LibraryImport(Library)]
    public static partial int clang_getDiagnosticSeverity(void* diagnostic);

    [LibraryImport(Library)]
    public static partial ClangString clang_formatDiagnostic(void* diagnostic, uint options);

    [LibraryImport(Library)]
    public static partial void clang_disposeDiagnostic(void* diagnostic);

    [LibraryImport(Library)]
    public static partial byte* clang_getCString(ClangString text);

    [LibraryImport(Library)]
    public static partial void clang_disposeString(ClangString text);

    [LibraryImport(Library)]
    public static partial ClangCursor clang_getTranslationUnitCursor(void* unit);

    [LibraryImport(Library)]
    public static partial uint clang_visitChildren(
        ClangCursor parent, delegate* unmanaged<ClangCursor, ClangCursor, void*, int> visitor, void* data);

    [LibraryImport(Library)]
    public static partial ClangString clang_getCursorSpelling(ClangCursor cursor);

    [LibraryImport(Library)]
    public static partial ClangString clang_getCursorKindSpelling(CursorKind kind);

    [LibraryImport(Library)]
    public static partial ClangString clang_Cursor_getRawCommentText(ClangCursor cursor);

    [LibraryImport(Library)]
    public static partial ClangType clang_getCursorType(ClangCursor cursor);

    [LibraryImport(Library)]
    public static partial ClangType clang_getCursorResultType(ClangCursor cursor);

    [LibraryImport(Library)]
    public static partial ClangType clang_getTypedefDeclUnderlyingType(ClangCursor cursor);

    [LibraryImport(Library)]
    public static partial ClangType clang_Type_getNamedType(ClangType type);

    [LibraryImport(Library)]
    public static partial ClangType clang_getPointeeType(ClangType type);

    [LibraryImport(Library)]
    public static partial ClangType clang_getArrayElementType(ClangType type);

    [LibraryImport(Library)]
    public static partial long clang_getArraySize(ClangType type);

    [LibraryImport(Library)]
    public static partial ClangType clang_getResultType(ClangType type);

    [LibraryImport(Library)]
    public static partial int clang_getNumArgTypes(ClangType type);

    [LibraryImport(Library)]
    public static partial ClangType clang_getArgType(ClangType type, uint index);

    [LibraryImport(Library)]
    public static partial uint clang_isFunctionTypeVariadic(ClangType type);

    [LibraryImport(Library)]
    public static partial ClangCursor clang_getTypeDeclaration(ClangType type);

    [LibraryImport(Library)]
    public static partial ClangString clang_getTypeSpelling(ClangType type);

    [LibraryImport(Library)]
    public static partial long clang_Type_getSizeOf(ClangType type);

    [LibraryImport(Library)]
    public static partial long clang_Type_getAlignOf(ClangType type);

    [LibraryImport(Library)]
    public static partial long clang_Cursor_getOffsetOfField(ClangCursor cursor);

    [LibraryImport(Library)]
    public static partial uint clang_Cursor_isBitField(ClangCursor cursor);

    [LibraryImport(Library)]
    public static partial uint clang_isCursorDefinition(ClangCursor cursor);

    [LibraryImport(Library)]
    public static partial ClangCursor clang_getCursorDefinition(ClangCursor cursor);

    [LibraryImport(Library)]
    public static partial int clang_Cursor_isNull(ClangCursor cursor);

    [LibraryImport(Library)]
    public static partial long clang_getEnumConstantDeclValue(ClangCursor cursor);

    [LibraryImport(Library)]
    public static partial ClangType clang_getEnumDeclIntegerType(ClangCursor cursor);

    [LibraryImport(Library)]
    public static partial uint clang_Cursor_isMacroFunctionLike(ClangCursor cursor);

    [LibraryImport(Library)]
    public static partial ClangLocation clang_getCursorLocation(ClangCursor cursor);

    [LibraryImport(Library)]
    public static partial int clang_Location_isFromMainFile(ClangLocation location);

    [LibraryImport(Library)]
    public static partial void clang_getSpellingLocation(ClangLocation location, void** file, uint* line, uint* column, uint* offset);

    [LibraryImport(Library)]
    public static partial ClangRange clang_getCursorExtent(ClangCursor cursor);

    [LibraryImport(Library)]
    public static partial void clang_tokenize(void* unit, ClangRange range, ClangToken** tokens, uint* numTokens);

    [LibraryImport(Library)]
    public static partial void clang_disposeTokens(void* unit, ClangToken* tokens, uint numTokens);

    [LibraryImport(Library)]
    public static partial TokenKind clang_getTokenKind(ClangToken token);

    [LibraryImport(Library)]
    public static partial ClangString clang_getTokenSpelling(void* unit, ClangToken token);

    [LibraryImport(Library)]
    public static partial ClangRange clang_getTokenExtent(void* unit, ClangToken token);

    [LibraryImport(Library)]
    public static partial ClangLocation clang_getRangeEnd(ClangRange range);

    /// <summary>Name of a declaration. A struct or enum without a tag has the name of its typedef, which older versions of
    /// libclang spell in its type only.</summary>
    public static string NameOf(ClangCursor cursor)
    {
        string name = Take(clang_getCursorSpelling(cursor));
        return cursor.Kind is CursorKind.StructDeclaration or CursorKind.EnumDeclaration && name.Length == 0
            ? Take(clang_getTypeSpelling(clang_getCursorType(cursor)))
            : name;
    }

    /// <summary>Copies and frees a libclang string.</summary>
    public static string Take(ClangString text)
    {
        string copy = Marshal.PtrToStringUTF8((nint)clang_getCString(text)) ?? string.Empty;
        clang_disposeString(text);
        return copy;
    }
}
