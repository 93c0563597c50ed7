using System.Collections.Immutable;
using Moesaic.Interop;
using Moesaic.Models.Configurations;
using Moesaic.Models.Decoder;

namespace Moesaic.Models.Families;

/// <summary>
/// Phi-3, Phi-3.5-mini, Phi-4 and Phi-4-mini: fused query-key-value, fused gate and up, optional window, rotation of all or
/// some channels with longrope for extended contexts.
/// </summary>
internal sealed class Phi3 : IModelFamily
{
    private static readonly TensorNames s_names = TensorNames.HuggingFace with { FusedGateUp = "mlp.gate_up_proj" };
    private static readonly TensorNames s_ggufNames = TensorNames.Gguf with { FusedGateUp = "ffn_up" };

    public string Name => "Phi-3";

    public ImmutableArray<string> Architectures => ["Phi3ForCausalLM"];

    public ImmutableArray<string> ModelTypes => ["phi3"];

    public ImmutableArray<string> GgufArchitectures => ["phi3"];

    public GgufScheme? GgufScheme { get; } = new("phi3") { Names = s_ggufNames, Rope = new(HasLongRopeFactors: true), HasWindow = true, AlwaysHasWindow = true };

    public bool Answers(GgufInput input) => input.Architecture == "phi3";

    public DecoderDescription Describe(HuggingFaceInput input)
    {
        JsonConfig s = input.Config;
        DecoderShape shape = DecoderShape.FromHuggingFace(input);
        int window = s.TryGetInt32InRange("sliding_window", 1, Limits.Context) ?? 0;

        // Phi-4-mini writes down what the family's code has no branch for.
        s.RequireBoolean("attention_bias", false);
        s.RequireBoolean("mlp_bias", false);
        s.RequireBoolean("lm_head_bias", false);
        s.RequireNumber("full_attn_mod", 1);
        s.RequireNumber("interpolate_factor", 1);
        RopeDescription rope = PreNormDecoder.Rope(input, shape);

        // Without scaling it has no effect, though every configuration has it.
        s.Ignore("original_max_position_embeddings");
        input.RequireAllRead();
        return Build(new LayerParts(shape, s_names, input.HasTensor), rope, window, fused: true, bias: false);
    }

    public DecoderDescription Describe(GgufInput input)
    {
        GgufConfig s = input.Config;
        DecoderShape shape = DecoderShape.FromGguf(input);

        // 0 stands for none. Unlike llama.cpp, which leaves windows of this family out, this follows the family's own code.
        int window = s.GetInt32InRange("attention.sliding_window", 0, Limits.Context, 0);
        bool longRope = input.HasTensor("rope_factors_long.weight") || input.HasTensor("rope_factors_short.weight");
        RopeDescription rope = PreNormDecoder.Rope(input, shape, RopePairing.HalfSplit, new GgufRopeRules(HasLongRopeFactors: longRope));
        input.RequireAllRead();
        LayerParts parts = new(shape, s_ggufNames, input.HasTensor);
        DecoderDescription decoder = Build(parts, rope, window, fused: !input.HasTensor("blk.0.attn_q.weight"), bias: input.HasTensor("blk.0.attn_qkv.bias"));
        return decoder with { Ignorable = decoder.Ignorable.Add(new IgnorableTensors("rope_factors_*.weight", "divisors of the rotary frequencies, taken into account with the configuration")) };
    }

    private DecoderDescription Build(LayerParts parts, RopeDescription rope, int window, bool fused, bool bias) =>
        PreNormDecoder.Build(Name, parts, rope, layer => new LayerDescription
        {
            AttentionNorm = parts.Norm(layer, parts.Names.AttentionNorm),
            Attention = parts.Attention(layer, inputBias: bias, fused: fused, window: window),
            FeedForwardNorm = parts.Norm(layer, parts.Names.FeedForwardNorm),
            FeedForward = parts.FusedMlp(layer),
        });
}
