using System.Collections.Immutable;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Decoder;

namespace Moesaic.Models.Synthetic;

/// <summary>A quantised form of Hugging Face checkpoints for random weights: codes and scales in tensors of their own. Embedding, head and router stay as they are.</summary>
/// <param name="Name">How it is asked for.</param>
/// <param name="Config">Its <c>quantization_config</c>.</param>
/// <param name="Codes">Format of the stored codes.</param>
/// <param name="CodesSuffix">What follows the module's name.</param>
/// <param name="ColumnsOfCode">Columns that one stored element holds.</param>
/// <param name="ScaleSuffix">Ending of the scales.</param>
/// <param name="BlockRows">Rows that share a scale.</param>
/// <param name="BlockColumns">Columns that share a scale; 0: all.</param>
public sealed record SyntheticQuantisation(string Name, string Config, ElementFormat Codes, string CodesSuffix, int ColumnsOfCode, string ScaleSuffix, int BlockRows, int BlockColumns)
{
    /// <summary>compressed-tensors with 4 bits in groups of 128 columns.</summary>
    public static SyntheticQuantisation Packed4 { get; } = new(
        "w4a16",
        """{"quant_method":"compressed-tensors","format":"pack-quantized","config_groups":{"g":{"targets":["Linear"],"weights":{"num_bits":4,"type":"int","strategy":"group","group_size":128,"symmetric":true}}}}""",
        ElementFormat.I32, ".weight_packed", 8, ".weight_scale", 1, 128);

    /// <summary>compressed-tensors with signed bytes and a scale a row.</summary>
    public static SyntheticQuantisation Int8 { get; } = new(
        "int8",
        """{"quant_method":"compressed-tensors","format":"int-quantized","config_groups":{"g":{"targets":["Linear"],"weights":{"num_bits":8,"type":"int","strategy":"channel","symmetric":true}}}}""",
        ElementFormat.I8, ".weight", 1, ".weight_scale", 1, 0);

    /// <summary>E4M3 with a scale for each block of 128 x 128.</summary>
    public static SyntheticQuantisation Float8 { get; } = new(
        "fp8", """{"quant_method":"fp8","weight_block_size":[128,128]}""", ElementFormat.F8_E4M3, ".weight", 1, ".weight_scale_inv", 128, 128);

    /// <summary>All of them.</summary>
    public static ImmutableArray<SyntheticQuantisation> All => [Packed4, Int8, Float8];

    /// <summary>Format of the scales.</summary>
    internal const ElementFormat Scales = ElementFormat.F16;

    /// <summary>Whether a stored tensor [rows, columns] takes this form.</summary>
    internal static bool Takes(DecoderDescription description, string tensor) =>
        tensor != description.Embedding.Name && tensor != description.OutputHead?.Weight.Name
        && !description.Layers.Select(l => l.FeedForward).OfType<MoeDescription>().Any(m => m.Router.Weight.Name == tensor);

    /// <summary>The tensors of a weight.</summary>
    internal IEnumerable<(string Name, ElementFormat Format, ImmutableArray<long> Shape)> PartsOf(string tensor, ImmutableArray<long> shape)
    {
        string module = QuantisedNames.Module(tensor);
        yield return (module + CodesSuffix, Codes, [shape[0], shape[1] / ColumnsOfCode]);
        yield return (module + ScaleSuffix, Scales, [((shape[0] - 1) / BlockRows) + 1, BlockColumns == 0 ? 1 : ((shape[1] - 1) / BlockColumns) + 1]);
    }

    /// <summary>Bytes of a weight's tensors.</summary>
    internal long BytesOf(string tensor, ImmutableArray<long> shape) => PartsOf(tensor, shape).Sum(p =>
    {
        _ = ElementFormats.TryGetBlock(p.Format, out _, out int bytes);
        return p.Shape[0] * p.Shape[1] * bytes;
    });
}
