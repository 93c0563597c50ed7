namespace Moesaic.Models.Configurations;

/// <summary>Reads <c>quantization_config</c>, its older name <c>compression_config</c>, or ModelOpt's <c>hf_quant_config.json</c>.</summary>
internal static class QuantisationReader
{
    private const string Supported = "supported are awq, compressed-tensors, fp8, gptq, modelopt and mxfp4";

    /// <param name="config">config.json.</param>
    /// <param name="modelOpt">hf_quant_config.json; null where absent.</param>
    /// <returns>Null where nothing is quantised.</returns>
    /// <exception cref="ModelFormatException">The method or an option is wrong or not supported.</exception>
    public static QuantisationConfig? Read(JsonConfig config, JsonConfig? modelOpt)
    {
        bool current = config.TryGetObject("quantization_config", out JsonConfig? settings);
        if (config.TryGetObject("compression_config", out JsonConfig? former))
        {
            settings = current ? throw config.Error("compression_config", "the file has quantization_config too; expected one of them.") : former;
        }

        if (settings is null)
        {
            return modelOpt is null ? null : ModelOptReader.ReadFile(modelOpt);
        }

        string method = settings.GetString("quant_method", former is not null ? "compressed-tensors" : settings.Has("quant_algo") ? "modelopt" : string.Empty);
        QuantisationConfig read = method switch
        {
            "fp8" => ReadFloat8(settings, method),
            "compressed-tensors" => CompressedTensorsReader.Read(settings, method),
            "gptq" => GptqReader.Read(settings, method),
            "awq" => ReadAwq(settings, method),
            "mxfp4" => ReadMxfp4(settings, method),
            "modelopt" or "modelopt_fp4" => ModelOptReader.Read(settings, method),
            "" => throw settings.Error("quant_method", $"this key is missing; {Supported}."),
            _ => throw settings.Error("quant_method", $"the value '{method}' is not supported; {Supported}."),
        };
        settings.RequireAllRead();
        return read;
    }

    /// <summary>Rules for: all but the modules that a list names.</summary>
    public static IEnumerable<QuantisationRule> AllBut(IEnumerable<ModulePattern> excluded, QuantisationScheme scheme)
    {
        ModulePattern[] patterns = [.. excluded];
        return patterns.Length == 0 ? [new QuantisationRule([], scheme)] : [new QuantisationRule(patterns, null), new QuantisationRule([], scheme)];
    }

    /// <summary>A list of name parts, as most methods exclude modules.</summary>
    public static IEnumerable<ModulePattern> Parts(JsonConfig settings, string key) =>
        settings.TryGetStringArray(key, out string[]? names) ? names.Where(n => n.Length > 0).Select(ModulePattern.OfParts) : [];

    /// <summary>[rows, columns] of a block that shares a scale.</summary>
    public static (int Rows, int Columns) Block(JsonConfig settings, string key)
    {
        int[] block = settings.TryGetInt32Array(key, out int[]? value) ? value : [];
        return block is [>= 1 and <= 1 << 20, >= 1 and <= 1 << 20]
            ? (block[0], block[1])
            : throw settings.Error(key, $"the value [{string.Join(", ", block)}] is not supported; expected the rows and columns of a block, such as [128, 128].");
    }

    private static QuantisationConfig ReadFloat8(JsonConfig s, string method)
    {
        s.RequireString("fmt", "e4m3", "float8_e4m3fn");
        s.RequireString("activation_scheme", "dynamic", "static");
        s.RequireString("scale_fmt", "ue8m0", "float32", "float");
        s.Ignore("is_checkpoint_fp8_serialized", "dequantize", "kv_cache_scheme", "use_deep_gemm");
        bool blocks = s.Has("weight_block_size");
        (int rows, int columns) = blocks ? Block(s, "weight_block_size") : (QuantisationScheme.All, QuantisationScheme.All);
        QuantisationScheme scheme = new() { Method = QuantisationMethod.Float8, Bits = 8, GroupRows = rows, GroupColumns = columns };
        return new QuantisationConfig(s, method, AllBut([.. Parts(s, "modules_to_not_convert"), .. Parts(s, "ignored_layers")], scheme));
    }

    private static QuantisationConfig ReadAwq(JsonConfig s, string method)
    {
        if (s.GetInt32(s.Has("w_bit") ? "w_bit" : "bits") != 4)
        {
            throw s.Error("bits", "only 4 bits are supported for AWQ.");
        }

        s.RequireString("version", "gemm", "GEMM");
        s.RequireBoolean("zero_point", true);
        s.Ignore("backend", "do_fuse", "fuse_max_seq_len", "modules_to_fuse", "exllama_config");
        string groupKey = s.Has("q_group_size") ? "q_group_size" : "group_size";
        int group = s.GetInt32(groupKey);
        QuantisationScheme scheme = new()
        {
            Method = QuantisationMethod.Awq,
            Bits = 4,
            GroupColumns = group == -1 ? QuantisationScheme.All : s.GetInt32InRange(groupKey, 1, 1 << 20),
            Symmetric = false,
        };
        return new QuantisationConfig(s, method, AllBut(Parts(s, "modules_to_not_convert"), scheme));
    }

    private static QuantisationConfig ReadMxfp4(JsonConfig s, string method)
    {
        s.Ignore("dequantize");
        QuantisationScheme scheme = new() { Method = QuantisationMethod.Mxfp4, Bits = 4, GroupColumns = 32 };
        return new QuantisationConfig(s, method, AllBut(Parts(s, "modules_to_not_convert"), scheme));
    }
}
