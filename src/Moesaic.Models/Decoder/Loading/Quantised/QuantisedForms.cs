using System.Buffers.Binary;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Configurations;

namespace Moesaic.Models.Decoder;

/// <summary>Makes a matrix of each stored form: finds the tensors, checks types and shapes.</summary>
internal static class QuantisedForms
{
    public static QuantisedMatrix Float8(StoredParts parts, QuantisationScheme scheme)
    {
        StoredParts.Require(parts.Codes, [ElementFormat.F8_E4M3], parts.Shape.AsSpan());
        CheckpointTensor scales = ScalesOf(parts);
        bool isWhole = scheme is { GroupRows: QuantisationScheme.All, GroupColumns: QuantisationScheme.All };
        if (isWhole && parts.Rows > 1 && scales.ElementCount == parts.Shape[..^1].Aggregate(1L, (product, size) => product * size))
        {
            // Settings without a block size stand for a scale a tensor or a row; only the tensor tells which.
            scheme = scheme with { GroupRows = 1 };
        }

        return new Float8Matrix(scheme.Description, parts.Cols, parts.Codes, scales, new ScaleGrid(scales, parts.Name, parts.Shape.AsSpan(), scheme), scheme.GroupColumns);
    }

    public static QuantisedMatrix Int8(StoredParts parts, QuantisationScheme scheme)
    {
        StoredParts.Require(parts.Codes, [ElementFormat.I8], parts.Shape.AsSpan());
        CheckpointTensor scales = ScalesOf(parts);
        CheckpointTensor? zeros = scheme.Symmetric ? null : parts.Get("_zero_point");
        return new Int8Matrix(
            scheme.Description,
            parts.Cols,
            parts.Codes,
            scales,
            zeros,
            new ScaleGrid(scales, parts.Name, parts.Shape.AsSpan(), scheme),
            zeros is null ? null : new ZeroGrid(zeros, parts.Name, parts.Shape.AsSpan(), scheme),
            scheme.GroupColumns);
    }

    public static QuantisedMatrix PackedInteger(StoredParts parts, QuantisationScheme scheme)
    {
        RequireMatrix(parts, scheme);
        int perWord = 32 / scheme.Bits;
        StoredParts.Require(parts.Codes, [ElementFormat.I32], [parts.Rows, ScaleGrid.Groups(parts.Cols, perWord)]);
        List<CheckpointTensor> tensors = [parts.Codes, parts.Get("_scale")];
        ScaleGrid grid = new(tensors[1], parts.Name, parts.Shape.AsSpan(), scheme);
        CheckpointTensor? zeros = null;
        if (!scheme.Symmetric)
        {
            zeros = scheme.GroupRows == 1 ? parts.Get("_zero_point") : throw parts.Error("zero points for more than one row are not supported in packed form.");
            tensors.Add(StoredParts.Require(zeros, [ElementFormat.I32], [ScaleGrid.Groups(parts.Rows, perWord), grid.NumGroups]));
        }

        if (parts.TryGet("_shape", out CheckpointTensor? shape))
        {
            tensors.Add(RequireTrueShape(shape, parts));
        }

        CheckpointTensor? groups = null;
        if (parts.TryGet("_g_idx", out CheckpointTensor? indices))
        {
            groups = StoredParts.Require(indices, [ElementFormat.I32], [parts.Cols]);
            tensors.Add(indices);
        }

        return new PackedIntegerMatrix(scheme.Description, parts.Cols, scheme.Bits, grid, zeros, groups, scheme.GroupColumns, [.. tensors]);
    }

    public static QuantisedMatrix Gptq(StoredParts parts, QuantisationScheme scheme)
    {
        RequireMatrix(parts, scheme);
        int bits = scheme.Bits;
        int unit = bits == 3 ? 32 : 32 / bits;
        if (parts.Rows % unit != 0 || parts.Cols % unit != 0)
        {
            throw parts.Error($"a weight [{parts.Rows}, {parts.Cols}] does not fill words of {unit} elements.");
        }

        long numGroups = ScaleGrid.Groups(parts.Cols, scheme.GroupColumns);
        StoredParts.Require(parts.Codes, [ElementFormat.I32], [parts.Cols * bits / 32, parts.Rows]);
        CheckpointTensor zeros = StoredParts.Require(parts.GetOfModule(".qzeros"), [ElementFormat.I32], [numGroups, parts.Rows * bits / 32]);
        CheckpointTensor scales = StoredParts.Require(parts.GetOfModule(".scales"), [ElementFormat.F16, ElementFormat.BF16, ElementFormat.F32], [numGroups, parts.Rows]);
        List<CheckpointTensor> tensors = [parts.Codes, zeros, scales];
        CheckpointTensor? groups = parts.FindOfModule(".g_idx");
        if (groups is not null)
        {
            tensors.Add(StoredParts.Require(groups, [ElementFormat.I32], [parts.Cols]));
        }

        return new GptqMatrix(scheme.Description, parts.Rows, parts.Cols, bits, checked((int)numGroups), scheme.GroupColumns, scheme.ZerosLessOne, zeros, scales, groups, [.. tensors]);
    }

    public static QuantisedMatrix Mxfp4(StoredParts parts, QuantisationScheme scheme)
    {
        const int group = 32;
        if (parts.Cols % group != 0)
        {
            throw parts.Error($"a row has {parts.Cols} elements, which is no multiple of the {group} that share an exponent.");
        }

        long[] groups = [.. parts.Shape[..^1], parts.Cols / group];
        StoredParts.Require(parts.Codes, [ElementFormat.U8], [.. groups, group / 2]);
        return new Mxfp4Matrix(scheme.Description, parts.Cols, parts.Codes, StoredParts.Require(parts.Get("_scales"), [ElementFormat.U8], groups));
    }

    public static QuantisedMatrix Nvfp4(StoredParts parts, QuantisationScheme scheme)
    {
        const int group = 16;
        if (parts.Cols % group != 0)
        {
            throw parts.Error($"a row has {parts.Cols} elements, which is no multiple of the {group} that share a scale.");
        }

        StoredParts.Require(parts.Codes, [ElementFormat.U8], [.. parts.Shape[..^1], parts.Cols / 2]);
        CheckpointTensor scales = StoredParts.Require(parts.Get("_scale"), [ElementFormat.F8_E4M3], [.. parts.Shape[..^1], parts.Cols / group]);
        CheckpointTensor global = parts.Get(scheme.GlobalScaleDivides ? "_global_scale" : "_scale_2");
        long numExperts = parts.Shape[..^2].Aggregate(1L, (product, size) => product * size);
        if (global.Format != ElementFormat.F32 || (global.ElementCount != 1 && global.ElementCount != numExperts))
        {
            throw new ModelFormatException(global.File.Path, global.Name, $"it is {global}; expected one F32 factor{(numExperts > 1 ? $", or one for each of the {numExperts} experts" : "")}.");
        }

        float[] factors = new float[global.ElementCount];
        StoredNumbers.ReadScales(global, 0, factors);
        for (int i = 0; i < factors.Length; i++)
        {
            float factor = scheme.GlobalScaleDivides ? 1 / factors[i] : factors[i];
            factors[i] = float.IsFinite(factor) && factor > 0 ? factor
                : throw new ModelFormatException(global.File.Path, global.Name, $"element {i} is {factors[i]}; expected a factor above 0. The file is damaged.");
        }

        return new Nvfp4Matrix(scheme.Description, parts.Cols, parts.Rows * numExperts / factors.Length, [.. factors], [parts.Codes, scales, global]);
    }

    public static QuantisedMatrix Awq(StoredParts parts, QuantisationScheme scheme)
    {
        const int perWord = 8;
        RequireMatrix(parts, scheme);
        if (parts.Rows % perWord != 0)
        {
            throw parts.Error($"{parts.Rows} rows do not fill words of {perWord} elements.");
        }

        long numGroups = ScaleGrid.Groups(parts.Cols, scheme.GroupColumns);
        StoredParts.Require(parts.Codes, [ElementFormat.I32], [parts.Cols, parts.Rows / perWord]);
        CheckpointTensor zeros = StoredParts.Require(parts.GetOfModule(".qzeros"), [ElementFormat.I32], [numGroups, parts.Rows / perWord]);
        CheckpointTensor scales = StoredParts.Require(parts.GetOfModule(".scales"), [ElementFormat.F16, ElementFormat.BF16, ElementFormat.F32], [numGroups, parts.Rows]);
        return new AwqMatrix(scheme.Description, parts.Rows, parts.Cols, checked((int)numGroups), scheme.GroupColumns, parts.Codes, zeros, scales);
    }

    private static CheckpointTensor ScalesOf(StoredParts parts)
    {
        if (!parts.TryGet("_scale_inv", out CheckpointTensor? scales))
        {
            return parts.Get("_scale");
        }

        return parts.TryGet("_scale", out CheckpointTensor? other)
            ? throw new ModelFormatException(other.File.Path, other.Name, $"the weight has {scales.Name} too; expected one of them.")
            : scales;
    }

    private static void RequireMatrix(StoredParts parts, QuantisationScheme scheme)
    {
        if (parts.Shape.Length != 2)
        {
            throw parts.Error($"{scheme.Description} is supported for matrices; the model expects [{string.Join(", ", parts.Shape)}].");
        }
    }

    private static CheckpointTensor RequireTrueShape(CheckpointTensor tensor, StoredParts parts)
    {
        int bytes = tensor.Format switch
        {
            ElementFormat.I64 => sizeof(long),
            ElementFormat.I32 => sizeof(int),
            _ => throw new ModelFormatException(tensor.File.Path, tensor.Name, $"its type is {ElementFormats.NameOf(tensor.Format)}; expected I64."),
        };
        if (tensor.ElementCount != 2)
        {
            throw new ModelFormatException(tensor.File.Path, tensor.Name, $"it has {tensor.ElementCount} elements; expected rows and columns.");
        }

        byte[] stored = new byte[2 * bytes];
        tensor.CopyBytes(0, stored);
        long rows = bytes == 8 ? BinaryPrimitives.ReadInt64LittleEndian(stored) : BinaryPrimitives.ReadInt32LittleEndian(stored);
        long cols = bytes == 8 ? BinaryPrimitives.ReadInt64LittleEndian(stored.AsSpan(8)) : BinaryPrimitives.ReadInt32LittleEndian(stored.AsSpan(4));
        return (rows, cols) == (parts.Rows, parts.Cols)
            ? tensor
            : throw new ModelFormatException(tensor.File.Path, tensor.Name, $"it says [{rows}, {cols}]; expected [{parts.Rows}, {parts.Cols}] from the configuration.");
    }
}
