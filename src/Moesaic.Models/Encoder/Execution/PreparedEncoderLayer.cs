using Moesaic.Interop;
using Moesaic.Models.Decoder;

namespace Moesaic.Models.Encoder;

/// <summary>A layer with every weight and vector looked up, so that a step does not search.</summary>
internal sealed class PreparedEncoderLayer(LoadedEncoder encoder, EncoderLayerDescription layer)
{
    public AttentionDescription Attention { get; } = layer.Attention;

    /// <summary>Query, key and value, or all in one.</summary>
    public PreparedEncoderProjection[] Input { get; } = [.. layer.Attention.Input.Select(p => new PreparedEncoderProjection(encoder, p))];

    public PreparedEncoderProjection Output { get; } = new(encoder, layer.Attention.Output);

    public PreparedLayerNorm AttentionNorm { get; } = new(encoder, layer.AttentionNorm);

    public PreparedEncoderProjection Up { get; } = new(encoder, layer.Up);

    public PreparedEncoderProjection Down { get; } = new(encoder, layer.Down);

    public PreparedLayerNorm OutputNorm { get; } = new(encoder, layer.OutputNorm);

    public int Width { get; } = layer.Width;

    public Epilogue Activation { get; } = layer.Activation == EncoderActivation.GeluTanh ? Epilogue.GeluTanh : Epilogue.Gelu;
}

internal readonly struct PreparedEncoderProjection(LoadedEncoder encoder, ProjectionDescription projection)
{
    private readonly Weight _weight = encoder.Weight(projection.Weight);
    private readonly Tensor _bias = encoder.Vector(projection.Bias);

    public LinearTarget To(in Tensor output) => new(_weight, output, _bias);
}

internal readonly struct PreparedLayerNorm(LoadedEncoder encoder, LayerNormDescription norm)
{
    public Tensor Weight { get; } = encoder.Vector(norm.Weight);

    public Tensor Bias { get; } = encoder.Vector(norm.Bias);

    public float Epsilon { get; } = norm.Epsilon;
}
