using System.Collections.Immutable;
using Moesaic.Interop;
using Moesaic.Models.Configurations;
using Moesaic.Models.Decoder;

namespace Moesaic.Models.Families;

/// <summary>Qwen2, Qwen2.5 (biases on query, key and value) and dense Qwen3 (head norms, a head width of its own).</summary>
internal sealed class Qwen : IModelFamily
{
    public static Qwen Two { get; } = new() { Name = "Qwen2", Architecture = "Qwen2ForCausalLM", ModelType = "qwen2", InputBias = true };

    public static Qwen Three { get; } = new() { Name = "Qwen3", Architecture = "Qwen3ForCausalLM", ModelType = "qwen3", HeadNorms = true };

    public required string Name { get; init; }

    public required string Architecture { get; init; }

    public required string ModelType { get; init; }

    /// <summary>Whether query, key and value always have biases.</summary>
    public bool InputBias { get; init; }

    public bool HeadNorms { get; init; }

    public ImmutableArray<string> Architectures => [Architecture];

    public ImmutableArray<string> ModelTypes => [ModelType];

    public ImmutableArray<string> GgufArchitectures => [ModelType];

    public GgufScheme? GgufScheme => new(ModelType);

    public bool Answers(GgufInput input) => input.Architecture == ModelType;

    public DecoderDescription Describe(HuggingFaceInput input)
    {
        JsonConfig s = input.Config;
        DecoderShape shape = DecoderShape.FromHuggingFace(input);
        if (HeadNorms && !s.Has("head_dim"))
        {
            // The family's own default, which is not hidden / heads.
            shape = shape with { HeadWidth = 128 };
        }

        LayerParts parts = new(shape, TensorNames.HuggingFace, input.HasTensor);
        bool attentionBias = !InputBias && s.GetBoolean("attention_bias", false);
        Func<int, int> window = LayerWindows.Read(s, shape.Layers);
        RopeDescription rope = PreNormDecoder.Rope(input, shape);
        input.RequireAllRead();
        return Build(parts, rope, InputBias || attentionBias, attentionBias, window);
    }

    public DecoderDescription Describe(GgufInput input)
    {
        DecoderShape shape = DecoderShape.FromGguf(input);
        LayerParts parts = new(shape, TensorNames.Gguf, input.HasTensor);
        RopeDescription rope = PreNormDecoder.Rope(input, shape, RopePairing.HalfSplit);
        bool inputBias = InputBias || input.HasTensor("blk.0.attn_q.bias");
        bool outputBias = input.HasTensor("blk.0.attn_output.bias");
        input.RequireAllRead();
        return Build(parts, rope, inputBias, outputBias, static _ => 0);
    }

    private DecoderDescription Build(LayerParts parts, RopeDescription rope, bool inputBias, bool outputBias, Func<int, int> window) =>
        PreNormDecoder.Build(Name, parts, rope, layer => new LayerDescription
        {
            AttentionNorm = parts.Norm(layer, parts.Names.AttentionNorm),
            Attention = parts.Attention(layer, inputBias, outputBias, HeadNorms, window: window(layer)),
            FeedForwardNorm = parts.Norm(layer, parts.Names.FeedForwardNorm),
            FeedForward = parts.Mlp(layer),
        });
}
