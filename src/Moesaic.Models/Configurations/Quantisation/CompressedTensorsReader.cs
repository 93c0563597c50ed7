namespace Moesaic.Models.Configurations;

/// <summary>Reads the settings of compressed-tensors: groups of targets, each with its own scheme.</summary>
internal static class CompressedTensorsReader
{
    public static QuantisationConfig Read(JsonConfig s, string method)
    {
        // Early exporters wrote the state before; the tensors show what is stored.
        s.RequireString("quantization_status", "compressed", "frozen");
        s.Ignore("global_compression_ratio", "kv_cache_scheme", "version");
        RequireEmpty(s, "sparsity_config", "sparse weights");
        RequireEmpty(s, "transform_config", "transformed weights");
        string? format = s.TryGetString("format", out string? text) ? text : null;
        List<QuantisationRule> rules = [];
        if (s.TryGetStringArray("ignore", out string[]? ignored) && ignored.Length > 0)
        {
            rules.Add(new QuantisationRule([.. ignored.Select(i => ModulePattern.OfCompressedTensors(s, "ignore", i))], null));
        }

        rules.AddRange(ReadGroups(s, group => Scheme(group, group.TryGetString("format", out string? own) ? own : format)));
        return new QuantisationConfig(s, method, rules);
    }

    /// <summary><c>config_groups</c>; ModelOpt writes them too.</summary>
    public static IEnumerable<QuantisationRule> ReadGroups(JsonConfig s, Func<JsonConfig, QuantisationScheme> scheme)
    {
        if (!s.TryGetObject("config_groups", out JsonConfig? groups))
        {
            throw s.Error("config_groups", "this key is missing; expected an object of groups.");
        }

        List<(bool General, QuantisationRule Rule)> rules = [];
        foreach (string name in groups.UnreadKeys.ToArray())
        {
            if (!groups.TryGetObject(name, out JsonConfig? group))
            {
                throw groups.Error(name, "expected an object.");
            }

            string[] targets = group.TryGetStringArray("targets", out string[]? given) ? given : [];
            if (targets.Length == 0)
            {
                throw group.Error("targets", "expected the modules that the group is about.");
            }

            group.Ignore("input_activations", "output_activations");
            rules.Add((targets.Contains("Linear"), new QuantisationRule([.. targets.Select(t => ModulePattern.OfCompressedTensors(group, "targets", t))], scheme(group))));
        }

        // A module's own name comes before its class.
        return rules.OrderBy(r => r.General).Select(r => r.Rule);
    }

    private static QuantisationScheme Scheme(JsonConfig group, string? format)
    {
        if (!group.TryGetObject("weights", out JsonConfig? w))
        {
            throw group.Error("weights", "this key is missing; groups that quantise activations alone are not supported.");
        }

        w.RequireBoolean("dynamic", false);
        w.RequireString("type", "int", "float");
        w.RequireString("strategy", "tensor", "channel", "group", "block", "tensor_group");
        w.RequireString("actorder", "group", "weight", "static", "dynamic");
        w.Ignore("observer", "observer_kwargs", "scale_dtype", "zp_dtype");
        bool isFloat = w.GetString("type", "int") == "float";
        int bits = w.GetInt32("num_bits");
        QuantisationMethod method = (format, isFloat, bits) switch
        {
            ("float-quantized" or "naive-quantized", true, 8) => QuantisationMethod.Float8,
            ("int-quantized" or "naive-quantized", false, 8) => QuantisationMethod.Int8,
            ("pack-quantized", false, 2 or 4 or 8) => QuantisationMethod.PackedInteger,
            ("nvfp4-pack-quantized", true, 4) => QuantisationMethod.Nvfp4,
            (null, _, _) => throw group.Error("format", "this key is missing; expected float-quantized, int-quantized, pack-quantized or nvfp4-pack-quantized."),
            _ => throw group.Error("format", $"'{format}' with {bits} bits of type {(isFloat ? "float" : "int")} is not supported; expected float-quantized or int-quantized with 8 bits, pack-quantized with 2, 4 or 8 bits, or nvfp4-pack-quantized with 4 bits."),
        };
        (int rows, int columns) = Shape(w, method);
        QuantisationScheme scheme = new()
        {
            Method = method,
            Bits = bits,
            GroupRows = rows,
            GroupColumns = columns,
            Symmetric = w.GetBoolean("symmetric", true),
            GlobalScaleDivides = method == QuantisationMethod.Nvfp4,
        };
        return scheme.Symmetric || !isFloat ? scheme : throw w.Error("symmetric", "floats with zero points are not supported.");
    }

    private static (int Rows, int Columns) Shape(JsonConfig w, QuantisationMethod method)
    {
        string strategy = w.GetString("strategy", w.TryGetInt32("group_size", out int group) && group > 0 ? "group" : "tensor");
        switch (strategy)
        {
            case "tensor":
                w.Ignore("group_size", "block_structure");
                return (QuantisationScheme.All, QuantisationScheme.All);
            case "channel":
                w.Ignore("group_size", "block_structure");
                return (1, QuantisationScheme.All);
            case "block":
                w.Ignore("group_size");
                return QuantisationReader.Block(w, "block_structure");
            default:
                w.Ignore("block_structure");
                int size = w.GetInt32InRange("group_size", 1, 1 << 20);
                return method != QuantisationMethod.Nvfp4 || size == 16 ? (1, size) : throw w.Error("group_size", $"the value {size} is not supported for NVFP4; expected 16.");
        }
    }

    private static void RequireEmpty(JsonConfig s, string key, string what)
    {
        if (s.TryGetObject(key, out JsonConfig? value) && value.UnreadKeys.Any())
        {
            value.RequireString("format", "dense");
            value.Ignore("ignore", "targets", "registry_requires_subclass", "global_sparsity", "sparsity_structure");
            if (value.UnreadKeys.Any() || !value.Has("format"))
            {
                throw s.Error(key, $"{what} are not supported; expected an empty object.");
            }
        }
    }
}
