using System.Runtime.InteropServices;

namespace Moesaic.Bindings.Generator.Clang;

// The value types of libclang's C API (clang-c/CXString.h, Index.h); stable since LLVM 3.

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ClangString
{
    public void* Data;
    public uint PrivateFlags;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ClangCursor
{
    public CursorKind Kind;
    public int ExtraData;
    public void* Data0;
    public void* Data1;
    public void* Data2;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ClangType
{
    public TypeKind Kind;
    public void* Data0;
    public void* Data1;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ClangLocation
{
    public void* Data0;
    public void* Data1;
    public uint IntData;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ClangRange
{
    public void* Data0;
    public void* Data1;
    public uint BeginIntData;
    public uint EndIntData;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ClangToken
{
    public uint Int0;
    public uint Int1;
    public uint Int2;
    public uint Int3;
    public void* Data;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ClangUnsavedFile
{
    public byte* FileName;
    public byte* Contents;
    public nuint Length;
}

/// <summary>The declaration kinds that a C header of this ABI may hold (values of CXCursorKind).</summary>
internal enum CursorKind
{
    StructDeclaration = 2,
    UnionDeclaration = 3,
    EnumDeclaration = 5,
    Field = 6,
    EnumConstant = 7,
    Function = 8,
    Variable = 9,
    Parameter = 10,
    Typedef = 20,
    MacroDefinition = 501,
    MacroExpansion = 502,
    InclusionDirective = 503,
}

/// <summary>Values of CXTypeKind that are told apart here.</summary>
internal enum TypeKind
{
    Void = 2,
    CharUnsigned = 4,
    UnsignedInt = 9,
    CharSigned = 13,
    Float = 21,
    Double = 22,
    Pointer = 101,
    Record = 105,
    Enum = 106,
    Typedef = 107,
    FunctionPrototype = 111,
    ConstantArray = 112,
    Elaborated = 119,
}

/// <summary>Values of CXTokenKind.</summary>
internal enum TokenKind
{
    Punctuation = 0,
    Keyword = 1,
    Identifier = 2,
    Literal = 3,
    Comment = 4,
}
