using Moesaic.Interop;
using Moesaic.Models.Checkpoints.Gguf;
using Moesaic.Models.Configurations;
using Moesaic.Models.Decoder;
using Moesaic.Models.Families;

namespace Moesaic.Models.Export;

/// <summary>The hyper-parameters of a decoder as GGUF keys (ggml, docs/gguf.md).</summary>
internal sealed class ExportMetadata(DecoderDescription decoder, JsonConfig config, GgufScheme scheme, GgufPairs pairs)
{
    public void Add()
    {
        AttentionDescription attention = decoder.Layers[0].Attention;
        Key("block_count", decoder.Layers.Length + decoder.MtpLayers.Length);
        Key("context_length", decoder.ContextLength);
        Key("embedding_length", decoder.HiddenSize);
        Key("feed_forward_length", DenseWidth());
        Key("attention.head_count", attention.NumHeads);
        Key("attention.head_count_kv", attention.NumKeyValueHeads);
        Key("attention.key_length", attention.KeyWidth);
        Key("attention.layer_norm_rms_epsilon", (double)decoder.OutputNorm.Epsilon);
        Key("vocab_size", decoder.VocabularySize);
        if (attention.Latent is { } latent)
        {
            AddLatent(attention, latent);
        }
        else
        {
            Key("attention.value_length", attention.ValueWidth);
        }

        if (scheme.HasAttentionScale && attention.Scale != (float)(1 / Math.Sqrt(attention.KeyWidth)))
        {
            Key("attention.scale", (double)attention.Scale);
        }

        AddWindows([.. decoder.Layers.Select(l => l.Attention.Window)]);
        ExportRope.AddKeys(decoder, scheme, pairs);
        if (decoder.Layers.Select(l => l.FeedForward).OfType<MoeDescription>().FirstOrDefault() is { } moe)
        {
            AddExperts(moe);
        }
    }

    // Of models without a dense layer the configuration still says how wide one would be.
    private int DenseWidth() => decoder.Layers.Select(l => l.FeedForward).OfType<MlpDescription>().FirstOrDefault()?.Width
        ?? (config.Has("intermediate_size") ? config.GetInt32("intermediate_size") : decoder.Layers.Select(l => l.FeedForward).OfType<MoeDescription>().First().ExpertWidth);

    private void AddLatent(AttentionDescription attention, LatentAttentionDescription latent)
    {
        Key("attention.value_length", latent.LatentWidth);
        Key("attention.key_length_mla", latent.QueryWidth);
        Key("attention.value_length_mla", attention.ValueWidth);
        Key("attention.kv_lora_rank", latent.LatentWidth);
        if (latent.QueryRank > 0)
        {
            Key("attention.q_lora_rank", latent.QueryRank);
        }
    }

    private void AddWindows(int[] windows)
    {
        int window = windows.Max();
        if (scheme.HasWindow && (window > 0 || scheme.AlwaysHasWindow))
        {
            Key("attention.sliding_window", window);
        }

        if (scheme.WindowPattern == 0 || window == 0 || Repeats(scheme.WindowPattern))
        {
            return;
        }

        int period = Enumerable.Range(1, windows.Length + 1).FirstOrDefault(Repeats);
        if (period > 0)
        {
            Key("attention.sliding_window_pattern", period);
        }
        else
        {
            pairs.Add($"{scheme.Architecture}.attention.sliding_window_pattern", [.. windows.Select(w => w > 0)]);
        }

        bool Repeats(int every) => windows.Select((w, layer) => w > 0 == ((layer + 1) % every != 0)).All(same => same);
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
                    Key(key, router.Score switch { RouterScore.Softmax => 1, RouterScore.Sigmoid => 2, _ => 3 });
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
                    Key(key, decoder.Layers.TakeWhile(l => l.FeedForward is MlpDescription).Count());
                    break;
                case "nextn_predict_layers":
                    Key(key, decoder.MtpLayers.Length);
                    break;
                default:
                    throw new InvalidOperationException($"The scheme of {scheme.Architecture} names the key '{key}', which nothing writes.");
            }
        }
    }

    private void Key(string key, int value) => pairs.Add($"{scheme.Architecture}.{key}", value);

    private void Key(string key, double value) => pairs.Add($"{scheme.Architecture}.{key}", (float)value);
}
