namespace Moesaic.Models.Configurations;

/// <summary>How some weights are quantised, as the configuration says.</summary>
public sealed record QuantisationScheme
{
    /// <summary>Stands for all rows or all columns in <see cref="GroupRows"/> and <see cref="GroupColumns"/>.</summary>
    public const int All = 0;

    public required QuantisationMethod Method { get; init; }

    /// <summary>Bits of a stored element.</summary>
    public required int Bits { get; init; }

    /// <summary>Rows that share a scale; <see cref="All"/>: the tensor's.</summary>
    public int GroupRows { get; init; } = 1;

    /// <summary>Columns that share a scale; <see cref="All"/>: a whole row.</summary>
    public int GroupColumns { get; init; }

    /// <summary>Whether there are no zero points: elements count from the middle of their range.</summary>
    public bool Symmetric { get; init; } = true;

    /// <summary>Whether stored zero points are one less than they mean (the first GPTQ format).</summary>
    public bool ZerosLessOne { get; init; }

    /// <summary>Whether the global factor of NVFP4 divides (compressed-tensors) instead of multiplying (ModelOpt).</summary>
    public bool GlobalScaleDivides { get; init; }

    /// <summary>For people: <c>GPTQ 4 bit, groups of 128 columns</c>.</summary>
    public string Description => $"{NameOf(Method)} {Bits} bit, {Groups}{(Symmetric ? "" : ", zero points")}";

    private string Groups => (GroupRows, GroupColumns) switch
    {
        (All, All) => "one scale a tensor",
        (1, All) => "one scale a row",
        (1, int columns) => $"groups of {columns} columns",
        (int rows, int columns) => $"blocks of {rows} x {columns}",
    };

    private static string NameOf(QuantisationMethod method) => method switch
    {
        QuantisationMethod.Float8 => "FP8 E4M3",
        QuantisationMethod.Int8 => "INT8",
        QuantisationMethod.PackedInteger => "packed INT",
        QuantisationMethod.Gptq => "GPTQ",
        QuantisationMethod.Awq => "AWQ",
        QuantisationMethod.Mxfp4 => "MXFP4",
        _ => "NVFP4",
    };
}
