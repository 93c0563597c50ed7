namespace Moesaic.Models.Configurations;

/// <summary>Reads ModelOpt's settings, from config.json or from a file of their own.</summary>
internal static class ModelOptReader
{
    private static readonly string[] s_exclusions = ["exclude_modules", "ignore"];

    /// <summary>hf_quant_config.json.</summary>
    public static QuantisationConfig ReadFile(JsonConfig file)
    {
        file.Ignore("producer");
        if (!file.TryGetObject("quantization", out JsonConfig? settings))
        {
            throw file.Error("quantization", "this key is missing; expected an object with quant_algo.");
        }

        QuantisationConfig read = Read(settings, "modelopt");
        file.RequireAllRead();
        return read;
    }

    public static QuantisationConfig Read(JsonConfig s, string method)
    {
        // Names of formats that this program gives its own cache and activations.
        s.Ignore("producer", "kv_cache_quant_algo", "kv_cache_scheme");
        s.RequireBoolean("has_zero_point", false);
        s.RequireBoolean("pre_quant_scale", false);
        string algorithm = s.GetString("quant_algo");
        QuantisationScheme scheme = algorithm switch
        {
            "FP8" => new() { Method = QuantisationMethod.Float8, Bits = 8, GroupRows = QuantisationScheme.All, GroupColumns = QuantisationScheme.All },
            "NVFP4" => new() { Method = QuantisationMethod.Nvfp4, Bits = 4, GroupColumns = s.GetInt32InRange("group_size", 16, 16, 16) },
            _ => throw s.Error("quant_algo", $"the value '{algorithm}' is not supported; expected FP8 or NVFP4."),
        };
        s.Ignore("group_size");
        if (s.Has("config_groups"))
        {
            // Says again what the algorithm says.
            s.Ignore("config_groups");
        }

        // Excluded modules are globs over full names: a plain name excludes itself, "model.layers.0*" all below.
        IEnumerable<ModulePattern> excluded = s_exclusions
            .SelectMany(key => s.TryGetStringArray(key, out string[]? names) ? names.Select(n => (key, n)) : [])
            .Distinct().Select(e => ModulePattern.OfRegex(s, e.key, e.n, Glob(e.n)));
        return new QuantisationConfig(s, method, QuantisationReader.AllBut(excluded, scheme));
    }

    private static string Glob(string name) =>
        string.Join(".*", name.Split('*').Select(System.Text.RegularExpressions.Regex.Escape)) + @"\z";
}
