namespace Moesaic.Bindings.Generator.Model;

/// <summary>What one C header declares, in C terms and C order.</summary>
/// <param name="Name">File name without extension, e.g. <c>device</c>.</param>
internal sealed record HeaderModel(
    string Name,
    IReadOnlyList<ConstantModel> Constants,
    IReadOnlyList<EnumModel> Enums,
    IReadOnlyList<OpaqueModel> Opaques,
    IReadOnlyList<StructModel> Structs,
    IReadOnlyList<FunctionModel> Functions);

/// <summary>A macro that is one integer literal.</summary>
internal sealed record ConstantModel(string Name, string Comment, ulong Value, bool IsUnsigned);

internal sealed record EnumModel(string Name, string Comment, IReadOnlyList<EnumMemberModel> Members);

internal sealed record EnumMemberModel(string Name, string Comment, long Value);

/// <summary>A struct that is declared but never defined in a header: a handle.</summary>
internal sealed record OpaqueModel(string Name, string Comment);

/// <summary>Sizes and offsets in bytes, as libclang computes them for 64-bit Linux.</summary>
internal sealed record StructModel(
    string Name, string Comment, long SizeBytes, long AlignmentBytes, IReadOnlyList<FieldModel> Fields);

/// <param name="Count">Elements of an array; 0 when the field is no array.</param>
internal sealed record FieldModel(string Name, string Comment, TypeModel Type, long Count, long OffsetBytes);

internal sealed record FunctionModel(string Name, string Comment, TypeModel Result, IReadOnlyList<ParameterModel> Parameters);

internal sealed record ParameterModel(string Name, TypeModel Type);

/// <summary>A type that both languages lay out alike.</summary>
/// <param name="CSharp">As written in C#, pointers included.</param>
/// <param name="IsPrimitive">A number, so that an array of it can be a fixed buffer.</param>
internal sealed record TypeModel(string CSharp, bool IsPrimitive);
