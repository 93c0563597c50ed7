using Moesaic.Models.Configurations;

namespace Moesaic.Models.Families;

/// <summary>The widths of multi-head latent attention, read from either kind of configuration.</summary>
internal sealed record LatentShape
{
    /// <summary>Channels of the queries' own latent; 0: none.</summary>
    public required int QueryRank { get; init; }

    /// <summary>Channels of the cached latent.</summary>
    public required int LatentWidth { get; init; }

    /// <summary>Channels of a head that are not rotated.</summary>
    public required int PlainWidth { get; init; }

    /// <summary>Channels of a head that are rotated.</summary>
    public required int RotatedWidth { get; init; }

    /// <summary>Channels of a head's value.</summary>
    public required int ValueWidth { get; init; }

    /// <summary>Of the norms over the latents: the class default of the family's code, which does not pass the configuration's.</summary>
    public float NormEpsilon { get; init; } = 1e-6f;

    public int QueryWidth => PlainWidth + RotatedWidth;

    public static LatentShape FromHuggingFace(JsonConfig s)
    {
        LatentShape shape = new()
        {
            QueryRank = s.TryGetInt32InRange("q_lora_rank", 1, Limits.Hidden) ?? 0,
            LatentWidth = s.GetInt32InRange("kv_lora_rank", 1, Limits.HeadWidth),
            PlainWidth = s.GetInt32InRange("qk_nope_head_dim", 1, Limits.HeadWidth),
            RotatedWidth = Even(s, "qk_rope_head_dim", s.GetInt32InRange("qk_rope_head_dim", 2, Limits.HeadWidth)),
            ValueWidth = s.GetInt32InRange("v_head_dim", 1, Limits.HeadWidth),
        };
        s.RequireNumber("qk_head_dim", shape.QueryWidth);

        // head_dim is the rotated width by transformers' convention, hidden / heads by others'; the widths above decide.
        s.Ignore("head_dim");
        return shape;
    }

    public static LatentShape FromGguf(GgufConfig s)
    {
        int latent = s.GetInt32InRange("attention.kv_lora_rank", 1, Limits.HeadWidth);
        int rotated = Even(s, "rope.dimension_count", s.GetInt32InRange("rope.dimension_count", 2, Limits.HeadWidth));
        int? keyWidth = s.TryGetInt32InRange("attention.key_length_mla", 1, Limits.HeadWidth);
        int? valueWidth = s.TryGetInt32InRange("attention.value_length_mla", 1, Limits.HeadWidth);
        if (keyWidth is null)
        {
            // Files from before the split of kv_b give the heads' widths here.
            keyWidth = s.GetInt32InRange("attention.key_length", 1, Limits.HeadWidth);
            valueWidth ??= s.GetInt32InRange("attention.value_length", 1, Limits.HeadWidth);
        }
        else
        {
            valueWidth ??= s.GetInt32InRange("attention.value_length_mla", 1, Limits.HeadWidth);
            s.RequireNumber("attention.key_length", latent + rotated);
            s.RequireNumber("attention.value_length", latent);
        }

        return new LatentShape
        {
            QueryRank = s.TryGetInt32InRange("attention.q_lora_rank", 0, Limits.Hidden) ?? 0,
            LatentWidth = latent,
            PlainWidth = keyWidth > rotated ? keyWidth.Value - rotated : throw s.Error("rope.dimension_count", $"the value {rotated} is not below a head's key width, {keyWidth}."),
            RotatedWidth = rotated,
            ValueWidth = valueWidth.Value,
        };
    }

    private static int Even(ConfigReader config, string key, int width) =>
        width % 2 == 0 ? width : throw config.Error(key, $"the value {width} is odd; expected an even number of rotated channels.");
}
