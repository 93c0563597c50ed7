using System.Collections.Immutable;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Configurations;

namespace Moesaic.Models.Decoder;

/// <summary>
/// Finds how a weight is stored where the checkpoint is quantised. The tensors that are there say which form a weight has (so
/// that modules which an exporter left alone need no list); the configuration says how to read it, and must not disagree.
/// </summary>
internal sealed class QuantisedMatrices(ICheckpoint checkpoint, QuantisationConfig? config)
{
    private readonly Dictionary<string, (ImmutableArray<long> Shape, QuantisedMatrix? Matrix)> _found = new(StringComparer.Ordinal);

    /// <summary>The matrix that a slice takes rows of; null when it is stored as its own element format says.</summary>
    /// <param name="slice">The slice.</param>
    /// <param name="used">Receives the names of all tensors that belong to it.</param>
    /// <exception cref="ModelFormatException">A part is missing, has a wrong type or shape, or contradicts the configuration.</exception>
    public QuantisedMatrix? Find(MatrixSlice slice, HashSet<string> used)
    {
        if (config is null)
        {
            return null;
        }

        // Rows are outputs, whichever way the tensor lies in full precision.
        ImmutableArray<long> shape = slice.Transposed ? [.. slice.TensorShape[..^2], slice.TensorShape[^1], slice.TensorShape[^2]] : slice.TensorShape;
        if (!_found.TryGetValue(slice.Tensor, out (ImmutableArray<long> Shape, QuantisedMatrix? Matrix) found))
        {
            found = (shape, Create(new StoredParts(checkpoint, slice.Tensor, shape)));
            _found.Add(slice.Tensor, found);
        }

        QuantisedMatrix? matrix = found.Matrix;
        if (matrix is not null && !shape.SequenceEqual(found.Shape))
        {
            throw new ModelFormatException(checkpoint.Path, slice.Tensor, $"it is used as [{string.Join(", ", shape)}] and as [{string.Join(", ", found.Shape)}].");
        }

        if (matrix is not null)
        {
            used.UnionWith(matrix.Tensors.Select(t => t.Name));
            used.UnionWith(QuantisedNames.Unneeded(slice.Tensor).Where(name => checkpoint.TryGetTensor(name, out _)));
        }

        return matrix;
    }

    private QuantisedMatrix? Create(StoredParts parts)
    {
        if (parts.Method is not { } stored)
        {
            return null;
        }

        string module = QuantisedNames.Module(parts.Name);
        QuantisationScheme scheme = config!.Find(module, out string why)
            ?? throw parts.Error($"it is stored as {stored}, while the quantisation configuration leaves '{module}' as it is ({why}).");
        if (scheme.Method != stored && !(stored == QuantisationMethod.Gptq && scheme.Method == QuantisationMethod.Awq))
        {
            throw parts.Error($"it is stored as {stored}, while the quantisation configuration says {scheme.Description} for '{module}' ({why}).");
        }

        return scheme.Method switch
        {
            QuantisationMethod.Float8 => QuantisedForms.Float8(parts, scheme),
            QuantisationMethod.Int8 => QuantisedForms.Int8(parts, scheme),
            QuantisationMethod.PackedInteger => QuantisedForms.PackedInteger(parts, scheme),
            QuantisationMethod.Gptq => QuantisedForms.Gptq(parts, scheme),
            QuantisationMethod.Awq => QuantisedForms.Awq(parts, scheme),
            QuantisationMethod.Mxfp4 => QuantisedForms.Mxfp4(parts, scheme),
            QuantisationMethod.Nvfp4 => QuantisedForms.Nvfp4(parts, scheme),
            _ => throw parts.Error($"{scheme.Description} is not supported in safetensors."),
        };
    }
}
