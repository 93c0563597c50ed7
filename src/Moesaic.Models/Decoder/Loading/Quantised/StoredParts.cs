using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Configurations;

namespace Moesaic.Models.Decoder;

/// <summary>The tensors of a checkpoint that may belong to one weight, by their suffixes.</summary>
internal sealed class StoredParts
{
    private readonly ICheckpoint _checkpoint;
    private readonly string _module;
    private readonly CheckpointTensor? _codes;

    /// <param name="checkpoint">Where to look.</param>
    /// <param name="name">The weight's name.</param>
    /// <param name="shape">Its logical shape, [.., rows, cols].</param>
    public StoredParts(ICheckpoint checkpoint, string name, ImmutableArray<long> shape)
    {
        _checkpoint = checkpoint;
        _module = QuantisedNames.Module(name);
        Name = name;
        Shape = shape;
        (Method, _codes) = Recognise();
    }

    public string Name { get; }

    public ImmutableArray<long> Shape { get; }

    public long Rows => Shape[^2];

    public long Cols => Shape[^1];

    /// <summary>The form that the tensors show (AWQ looks like GPTQ); null: none of the quantised ones.</summary>
    public QuantisationMethod? Method { get; }

    /// <summary>The tensor of the codes.</summary>
    public CheckpointTensor Codes => _codes ?? throw new InvalidOperationException($"{Name} is not quantised.");

    /// <summary>The tensor <c>X.weight</c> + suffix (X + suffix for stacks without that ending).</summary>
    public bool TryGet(string suffix, [NotNullWhen(true)] out CheckpointTensor? tensor) => _checkpoint.TryGetTensor(Name + suffix, out tensor);

    /// <inheritdoc cref="TryGet"/>
    public CheckpointTensor Get(string suffix) => _checkpoint.GetTensor(Name + suffix);

    /// <summary>The tensor X + suffix, where X is the weight's name without <c>.weight</c>.</summary>
    public CheckpointTensor GetOfModule(string suffix) => _checkpoint.GetTensor(_module + suffix);

    /// <inheritdoc cref="GetOfModule"/>
    public CheckpointTensor? FindOfModule(string suffix) => _checkpoint.TryGetTensor(_module + suffix, out CheckpointTensor? tensor) ? tensor : null;

    /// <exception cref="ModelFormatException">The tensor has another type or shape.</exception>
    public static CheckpointTensor Require(CheckpointTensor tensor, ReadOnlySpan<ElementFormat> formats, ReadOnlySpan<long> shape)
    {
        if (formats.Contains(tensor.Format) && tensor.Shape.AsSpan().SequenceEqual(shape))
        {
            return tensor;
        }

        string types = string.Join(" or ", formats.ToArray().Select(ElementFormats.NameOf));
        throw new ModelFormatException(tensor.File.Path, tensor.Name, $"it is {ElementFormats.NameOf(tensor.Format)} [{string.Join(", ", tensor.Shape)}]; expected {types} [{string.Join(", ", shape.ToArray())}] from the configuration.");
    }

    public ModelFormatException Error(string message) => new(Codes.File.Path, Codes.Name, message);

    private (QuantisationMethod? Method, CheckpointTensor? Codes) Recognise()
    {
        if (_checkpoint.TryGetTensor(Name, out CheckpointTensor? plain))
        {
            return plain.Format switch
            {
                ElementFormat.F8_E4M3 => (QuantisationMethod.Float8, plain),
                ElementFormat.I8 => (QuantisationMethod.Int8, plain),
                ElementFormat.U8 => (QuantisationMethod.Nvfp4, plain),
                _ => (null, null),
            };
        }

        if (TryGet("_packed", out CheckpointTensor? packed))
        {
            return (packed.Format == ElementFormat.U8 ? QuantisationMethod.Nvfp4 : QuantisationMethod.PackedInteger, packed);
        }

        if (FindOfModule(".qweight") is { } words)
        {
            return (QuantisationMethod.Gptq, words);
        }

        return TryGet("_blocks", out CheckpointTensor? blocks) ? (QuantisationMethod.Mxfp4, blocks) : (null, null);
    }
}
