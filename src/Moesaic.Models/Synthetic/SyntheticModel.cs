using Moesaic.Models.Checkpoints;
using Moesaic.Models.Configurations;
using Moesaic.Models.Decoder;
using Moesaic.Models.Families;

namespace Moesaic.Models.Synthetic;

/// <summary>
/// A model of a real shape with random weights, made without any file, to measure speed with. It goes through the same family,
/// plan and loader as a real one.
/// </summary>
public sealed class SyntheticModel : IDisposable
{
    private SyntheticModel(SyntheticShape shape, ElementFormat format, SyntheticQuantisation? quantisation, DecoderDescription description, ICheckpoint checkpoint)
    {
        Quantisation = quantisation;
        Shape = shape;
        Format = format;
        Description = description;
        Checkpoint = checkpoint;
    }

    public SyntheticShape Shape { get; }

    /// <summary>Format of all matrices but routers.</summary>
    public ElementFormat Format { get; }

    /// <summary>Form of the matrices of the layers; null: <see cref="Format"/>.</summary>
    public SyntheticQuantisation? Quantisation { get; }

    public DecoderDescription Description { get; }

    public ICheckpoint Checkpoint { get; }

    /// <summary>What it is, and what was cut.</summary>
    public string Name => NameOf(Shape, Format, Quantisation) + (Description.Layers.Length < Shape.Layers ? $" cut to {Description.Layers.Length} of {Shape.Layers} layers" : "");

    /// <summary>Makes a model.</summary>
    /// <param name="shape">The shape.</param>
    /// <param name="format">Format of its matrices.</param>
    /// <param name="maxBytes">Layers are left out until the stored weights fit.</param>
    /// <param name="quantisation">Form of the matrices of the layers in place of <paramref name="format"/>.</param>
    /// <exception cref="ArgumentException">The format cannot be made, does not go with the shape, or even the fewest layers do not fit.</exception>
    public static SyntheticModel Create(SyntheticShape shape, ElementFormat format, long maxBytes, SyntheticQuantisation? quantisation = null)
    {
        ArgumentNullException.ThrowIfNull(shape);
        if (!RandomBlocks.Formats.Contains(format))
        {
            throw new ArgumentException($"Random weights of type {ElementFormats.NameOf(format)} cannot be made; expected one of {string.Join(", ", RandomBlocks.Formats.Select(ElementFormats.NameOf))}.");
        }

        for (int layers = shape.Layers; layers >= shape.MinLayers; layers--)
        {
            DecoderDescription description = Describe(shape, format, quantisation, layers);
            RequireWholeBlocks(shape, format, description);
            if (StoredBytes(description, format, quantisation) <= maxBytes)
            {
                return new SyntheticModel(shape, format, quantisation, description, SyntheticCheckpoint.Of(NameOf(shape, format, quantisation), description, format, quantisation));
            }
        }

        double least = StoredBytes(Describe(shape, format, quantisation, shape.MinLayers), format, quantisation) / (double)(1L << 30);
        throw new ArgumentException(
            $"The shape {shape.Name} with weights of type {ElementFormats.NameOf(format)} takes {least:F2} GiB even with {shape.MinLayers} of its {shape.Layers} layers; {maxBytes / (double)(1L << 30):F2} GiB are allowed (--max-gib).");
    }

    /// <inheritdoc/>
    public void Dispose() => Checkpoint.Dispose();

    private static string NameOf(SyntheticShape shape, ElementFormat format, SyntheticQuantisation? quantisation) =>
        $"synthetic {shape.Name} {quantisation?.Name ?? ElementFormats.NameOf(format)}";

    private static DecoderDescription Describe(SyntheticShape shape, ElementFormat format, SyntheticQuantisation? quantisation, int layers)
    {
        string name = NameOf(shape, format, quantisation);
        using SyntheticCheckpoint empty = SyntheticCheckpoint.Empty(name);
        return ModelFamilies.Describe(HuggingFaceConfig.Parse(shape.ConfigOf(layers, quantisation), name), empty);
    }

    private static void RequireWholeBlocks(SyntheticShape shape, ElementFormat format, DecoderDescription description)
    {
        _ = ElementFormats.TryGetBlock(format, out int elements, out _);
        if (DecoderTensors.Matrices(description, includeMtp: false).FirstOrDefault(m => m.Cols % elements != 0) is { } odd)
        {
            throw new ArgumentException(
                $"The shape {shape.Name} cannot have weights of type {ElementFormats.NameOf(format)}: the rows of {odd.Name} have {odd.Cols} elements, no multiple of the {elements} of a block.");
        }
    }

    private static long StoredBytes(DecoderDescription description, ElementFormat format, SyntheticQuantisation? quantisation)
    {
        _ = ElementFormats.TryGetBlock(format, out int elements, out int bytes);
        return DecoderTensors.Matrices(description, includeMtp: false).Sum(m =>
            quantisation is not null && SyntheticQuantisation.Takes(description, m.Name)
                ? m.Slices.Sum(s => quantisation.BytesOf(s.Tensor, s.TensorShape))
                : m.Count / elements * bytes);
    }
}
