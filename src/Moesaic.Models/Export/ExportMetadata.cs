using Moesaic.Models.Checkpoints;
using Moesaic.Models.Checkpoints.Gguf;
using Moesaic.Models.Configurations;
using Moesaic.Models.Decoder;
using Moesaic.Models.Families;

namespace Moesaic.Models.Export;

/// <summary>The hyper-parameters of a model as GGUF keys (ggml, docs/gguf.md).</summary>
internal sealed class ExportMetadata(OpenedModel model, GgufScheme scheme, GgufPairs pairs)
{
    private readonly DecoderDescription _decoder = model.Description;
    private readonly JsonConfig _config = model.HuggingFaceConfig!.Raw;

    /// <summary>Name of the tensor with divisors of the rotary frequencies, for scalings that have no keys.</summary>
    public const string DivisorsName = "rope_freqs.weight";

    public void Add(int fileType)
    {
        AttentionDescription attention = _decoder.Layers[0].Attention;
        pairs.Add("general.architecture", scheme.Architecture);
        pairs.Add("general.type", "model");
        pairs.Add("general.name", Path.GetFileName(Path.GetFullPath(model.Location.Name)));
        pairs.Add("general.file_type", fileType);
        pairs.Add("general.quantization_version", 2);
        Key("block_count", _decoder.Layers.Length + _decoder.MtpLayers.Length);
        Key("context_length", _decoder.ContextLength);
        Key("embedding_length", _decoder.HiddenSize);
        Key("feed_forward_length", _config.GetInt32("intermediate_size"));
        Key("attention.head_count", attention.NumHeads);
        Key("attention.head_count_kv", attention.NumKeyValueHeads);
        Key("attention.key_length", attention.KeyWidth);
        Key("attention.value_length", attention.ValueWidth);
        pairs.Add($"{scheme.Architecture}.attention.layer_norm_rms_epsilon", _decoder.OutputNorm.Epsilon);
        Key("vocab_size", _decoder.VocabularySize);
        if (scheme.HasWindow && attention.Window > 0)
        {
            Key("attention.sliding_window", attention.Window);
        }

        AddRope();
        if (_decoder.Layers.Select(l => l.FeedForward).OfType<MoeDescription>().FirstOrDefault() is { } moe)
        {
            AddExperts(moe);
        }
    }

    /// <summary>Divisors of the frequencies where the scaling has no keys of its own (Llama 3); else null.</summary>
    public static float[]? Divisors(RopeSettings settings, int dimensions)
    {
        RopeScaling scaling = settings.Scaling;
        if (scaling.Kind != RopeScalingKind.Llama3)
        {
            return null;
        }

        float[] divisors = new float[dimensions / 2];
        for (int i = 0; i < divisors.Length; i++)
        {
            // The formula is RopeFrequencies'.
            double wavelength = 2 * Math.PI * Math.Pow(settings.Theta, 2.0 * i / dimensions);
            double smooth = ((scaling.OriginalContext / wavelength) - scaling.LowFrequencyFactor) / (scaling.HighFrequencyFactor - scaling.LowFrequencyFactor);
            divisors[i] = (float)(1 / (((1 - Math.Clamp(smooth, 0, 1)) / scaling.Factor) + Math.Clamp(smooth, 0, 1)));
        }

        return divisors;
    }

    private void AddRope()
    {
        RopeSettings settings = HuggingFaceRope.Read(_config);
        RopeScaling scaling = settings.Scaling;
        Key("rope.dimension_count", _decoder.Ropes[0].Dimensions);
        Key("rope.freq_base", settings.Theta);
        switch (scaling.Kind)
        {
            case RopeScalingKind.Linear:
                pairs.Add(scheme.Architecture + ".rope.scaling.type", "linear");
                Key("rope.scaling.factor", scaling.Factor);
                break;
            case RopeScalingKind.Yarn:
                pairs.Add(scheme.Architecture + ".rope.scaling.type", "yarn");
                Key("rope.scaling.factor", scaling.Factor);
                Key("rope.scaling.original_context_length", checked((int)scaling.OriginalContext));
                Key("rope.scaling.yarn_beta_fast", scaling.BetaFast);
                Key("rope.scaling.yarn_beta_slow", scaling.BetaSlow);
                if (scaling.AttentionFactor is { } factor)
                {
                    // The key multiplies what follows from the other values.
                    Key("rope.scaling.attn_factor", factor / RopeFrequencies.AttentionFactorOf(scaling with { AttentionFactor = null }));
                }

                break;
        }
    }

    private void AddExperts(MoeDescription moe)
    {
        RouterDescription router = moe.Router;
        Key("expert_count", moe.NumExperts);
        Key("expert_used_count", router.TopK);
        foreach (string key in scheme.ExpertKeys)
        {
            switch (key)
            {
                case "expert_feed_forward_length":
                    Key(key, moe.ExpertWidth);
                    break;
                case "expert_shared_feed_forward_length":
                    Key(key, moe.Shared?.Width ?? 0);
                    break;
                case "expert_shared_count":
                    Key(key, moe.Shared is null ? 0 : Math.Max(1, moe.Shared.Width / moe.ExpertWidth));
                    break;
                case "expert_gating_func":
                    Key(key, router.Score == Interop.RouterScore.Sigmoid ? 2 : 1);
                    break;
                case "expert_weights_norm":
                    pairs.Add($"{scheme.Architecture}.{key}", router.Normalise);
                    break;
                case "expert_weights_scale":
                    Key(key, (double)router.Scale);
                    break;
                case "expert_group_count":
                    Key(key, router.NumGroups);
                    break;
                case "expert_group_used_count":
                    Key(key, router.KeptGroups);
                    break;
                case "leading_dense_block_count":
                    Key(key, _decoder.Layers.TakeWhile(l => l.FeedForward is MlpDescription).Count());
                    break;
                case "nextn_predict_layers":
                    Key(key, _decoder.MtpLayers.Length);
                    break;
                default:
                    throw new InvalidOperationException($"The scheme of {scheme.Architecture} names the key '{key}', which nothing writes.");
            }
        }
    }

    private void Key(string key, int value) => pairs.Add($"{scheme.Architecture}.{key}", value);

    private void Key(string key, double value) => pairs.Add($"{scheme.Architecture}.{key}", (float)value);
}
