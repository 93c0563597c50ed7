using System.Collections.Immutable;
using Moesaic.Interop;
using Moesaic.Models.Configurations;
using Moesaic.Models.Decoder;

namespace Moesaic.Models.Families;

/// <summary>
/// Llama 2 and 3.x, SmolLM2, and Mistral (dense): grouped-query attention, SwiGLU, RMSNorm. GGUF files of this family have
/// the rows of q and k permuted for interleaved rotation.
/// </summary>
internal sealed class Llama : IModelFamily
{
    public string Name => "Llama";

    public ImmutableArray<string> Architectures => ["LlamaForCausalLM", "MistralForCausalLM"];

    public ImmutableArray<string> ModelTypes => ["llama", "mistral"];

    public ImmutableArray<string> GgufArchitectures => ["llama"];

    public GgufScheme? GgufScheme { get; } = new("llama") { Pairing = RopePairing.Interleaved, HasWindow = true };

    public bool Answers(GgufInput input) => input.Architecture == "llama" && input.Config.GetInt32InRange("expert_count", 0, Limits.Experts, 0) == 0;

    public DecoderDescription Describe(HuggingFaceInput input)
    {
        JsonConfig s = input.Config;
        DecoderShape shape = DecoderShape.FromHuggingFace(input);
        LayerParts parts = new(shape, TensorNames.HuggingFace, input.HasTensor);
        bool attentionBias = s.GetBoolean("attention_bias", false);
        bool mlpBias = s.GetBoolean("mlp_bias", false);
        int window = 0;
        if (input.Architecture is "MistralForCausalLM" or "mistral")
        {
            window = s.TryGetInt32InRange("sliding_window", 1, Limits.Context) ?? 0;
        }
        else
        {
            // Left over where Mistral was written as Llama: Llama's own code attends to all positions, whatever this key says.
            s.Ignore("sliding_window");
        }

        s.RequireBoolean("rope_interleaved", false);
        RopeDescription rope = PreNormDecoder.Rope(input, shape);
        input.RequireAllRead();
        return PreNormDecoder.Build(Name, parts, rope, layer => new LayerDescription
        {
            AttentionNorm = parts.Norm(layer, parts.Names.AttentionNorm),
            Attention = parts.Attention(layer, inputBias: attentionBias, outputBias: attentionBias, window: window),
            FeedForwardNorm = parts.Norm(layer, parts.Names.FeedForwardNorm),
            FeedForward = parts.Mlp(layer, mlpBias),
        });
    }

    public DecoderDescription Describe(GgufInput input)
    {
        GgufConfig s = input.Config;
        DecoderShape shape = DecoderShape.FromGguf(input);
        LayerParts parts = new(shape, TensorNames.Gguf, input.HasTensor);
        s.RequireNumber("expert_used_count", 0);
        bool inputBias = input.HasTensor("blk.0.attn_q.bias");
        bool outputBias = input.HasTensor("blk.0.attn_output.bias");
        bool mlpBias = input.HasTensor("blk.0.ffn_gate.bias");
        int window = s.TryGetInt32InRange("attention.sliding_window", 0, Limits.Context) ?? 0;
        RopeDescription rope = PreNormDecoder.Rope(input, shape, RopePairing.Interleaved);
        input.RequireAllRead();
        return PreNormDecoder.Build(Name, parts, rope, layer => new LayerDescription
        {
            AttentionNorm = parts.Norm(layer, parts.Names.AttentionNorm),
            Attention = parts.Attention(layer, inputBias: inputBias, outputBias: outputBias, window: window),
            FeedForwardNorm = parts.Norm(layer, parts.Names.FeedForwardNorm),
            FeedForward = parts.Mlp(layer, mlpBias),
        });
    }
}
