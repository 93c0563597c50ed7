namespace Moesaic.Bindings.Generator.Clang;

/// <summary>One declaration of a parsed header; valid as long as its translation unit.</summary>
internal readonly unsafe struct Cursor(TranslationUnit unit, ClangCursor raw)
{
    public CursorKind Kind => raw.Kind;

    public string KindName => LibClang.Take(LibClang.clang_getCursorKindSpelling(raw.Kind));

    public string Name => LibClang.NameOf(raw);

    /// <summary>The doc comment as written, with its comment marks; empty when there is none.</summary>
    public string RawComment => LibClang.Take(LibClang.clang_Cursor_getRawCommentText(raw));

    public ClangType Type => LibClang.clang_getCursorType(raw);

    public ClangType ResultType => LibClang.clang_getCursorResultType(raw);

    public bool IsDefinition => LibClang.clang_isCursorDefinition(raw) != 0;

    /// <summary>Whether the type is completed anywhere in what the header includes or holds.</summary>
    public bool HasDefinition => LibClang.clang_Cursor_isNull(LibClang.clang_getCursorDefinition(raw)) == 0;

    public bool IsInMainFile => LibClang.clang_Location_isFromMainFile(LibClang.clang_getCursorLocation(raw)) != 0;

    public bool IsBitField => LibClang.clang_Cursor_isBitField(raw) != 0;

    public bool IsFunctionLikeMacro => LibClang.clang_Cursor_isMacroFunctionLike(raw) != 0;

    /// <summary>An enum's integer type.</summary>
    public ClangType EnumIntegerType => LibClang.clang_getEnumDeclIntegerType(raw);

    /// <summary>An enumerator's value, sign-extended from the enum's integer type.</summary>
    public long EnumValue => LibClang.clang_getEnumConstantDeclValue(raw);

    /// <summary>Offset of a field in its struct, in bits.</summary>
    public long OffsetBits => LibClang.clang_Cursor_getOffsetOfField(raw);

    public uint Line
    {
        get
        {
            uint line;
            LibClang.clang_getSpellingLocation(LibClang.clang_getCursorLocation(raw), null, &line, null, null);
            return line;
        }
    }

    /// <summary>Position in the file, for source order.</summary>
    public uint Offset
    {
        get
        {
            uint offset;
            LibClang.clang_getSpellingLocation(LibClang.clang_getCursorLocation(raw), null, null, null, &offset);
            return offset;
        }
    }

    public IReadOnlyList<Cursor> Children() => unit.Children(raw);

    public IReadOnlyList<(TokenKind Kind, string Text, uint EndLine)> Tokens() => unit.Tokens(raw);
}
