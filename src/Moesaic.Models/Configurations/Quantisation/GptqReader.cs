namespace Moesaic.Models.Configurations;

/// <summary>Reads GPTQ's settings, of both generations, with overrides by module.</summary>
internal static class GptqReader
{
    public static QuantisationConfig Read(JsonConfig s, string method)
    {
        s.RequireString("checkpoint_format", "gptq", "gptq_v2");
        s.RequireString("pack_dtype", "int32");
        s.RequireBoolean("is_marlin_format", false);

        // How the weights were found, or how another program runs them. The tensors say which columns belong to which group
        // (desc_act), and whether the output head is quantised (lm_head).
        s.Ignore(
            "desc_act", "act_group_aware", "hyb_act", "lm_head", "static_groups", "true_sequential", "damp_percent", "damp_auto_increment", "mse", "meta", "quantizer", "tokenizer", "dataset",
            "model_name_or_path", "model_file_base_name", "modules_in_block_to_quantize", "block_name_to_quantize", "module_name_preceding_first_block", "batch_size", "pad_token_id",
            "use_cuda_fp16", "use_exllama", "exllama_config", "max_input_length", "model_seqlen", "cache_block_outputs", "backend", "disable_exllama", "offload_to_disk", "v2", "rotation");
        bool lessOne = s.GetString("checkpoint_format", "gptq") == "gptq";
        QuantisationScheme scheme = new()
        {
            Method = QuantisationMethod.Gptq,
            Bits = ReadBits(s, null),
            GroupColumns = ReadGroup(s, null),
            Symmetric = false,
            ZerosLessOne = lessOne,
        };
        s.Ignore("sym");
        List<QuantisationRule> rules = [];
        if (s.TryGetObject("dynamic", out JsonConfig? overrides))
        {
            foreach (string key in overrides.UnreadKeys.ToArray())
            {
                rules.Add(Override(overrides, key, scheme));
            }
        }

        rules.Add(new QuantisationRule([], scheme));
        return new QuantisationConfig(s, method, rules);
    }

    // "-:regex" leaves modules as they are; "+:regex" or a bare one changes single settings.
    private static QuantisationRule Override(JsonConfig overrides, string key, QuantisationScheme scheme)
    {
        bool excludes = key.StartsWith("-:", StringComparison.Ordinal);
        string expression = excludes || key.StartsWith("+:", StringComparison.Ordinal) ? key[2..] : key;
        ModulePattern pattern = ModulePattern.OfRegex(overrides, key, key, expression);
        if (!overrides.TryGetObject(key, out JsonConfig? settings))
        {
            throw overrides.Error(key, "expected an object with the settings that differ.");
        }

        if (excludes)
        {
            return new QuantisationRule([pattern], null);
        }

        QuantisationScheme changed = scheme with { Bits = ReadBits(settings, scheme.Bits), GroupColumns = ReadGroup(settings, scheme.GroupColumns) };
        settings.Ignore("sym", "desc_act", "damp_percent", "mse", "static_groups");
        return new QuantisationRule([pattern], changed);
    }

    private static int ReadBits(JsonConfig s, int? absent)
    {
        int bits = absent is { } value && !s.Has("bits") ? value : s.GetInt32("bits");
        return bits is 2 or 3 or 4 or 8 ? bits : throw s.Error("bits", $"the value {bits} is not supported; expected 2, 3, 4 or 8.");
    }

    private static int ReadGroup(JsonConfig s, int? absent)
    {
        if (!s.TryGetInt32("group_size", out int group))
        {
            return absent ?? throw s.Error("group_size", "this key is missing; expected the columns of a group, or -1.");
        }

        return group == -1 ? QuantisationScheme.All : s.GetInt32InRange("group_size", 1, 1 << 20);
    }
}
