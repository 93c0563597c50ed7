using System.Text.Json.Nodes;

namespace Moesaic.Models.Tests.Families.Reference;

/// <summary>The keys of a config.json, read without any of the program's own code.</summary>
internal sealed class PlainConfig
{
    private readonly JsonObject _json;

    // Parsed again, so that numbers which a test put in are read like those of a file.
    public PlainConfig(JsonObject json) => _json = JsonNode.Parse(json.ToJsonString())!.AsObject();

    public string Architecture => _json["architectures"]![0]!.GetValue<string>();

    public int Hidden => Int("hidden_size");

    public int Layers => Int("num_hidden_layers");

    public int Heads => Int("num_attention_heads");

    public int Vocabulary => Int("vocab_size");

    public double Epsilon => Number("rms_norm_eps", 1e-6);

    public bool Has(string key) => _json[key] is not null;

    public int Int(string key, int absent = 0) => (int)Number(key, absent);

    public double Number(string key, double absent) => Number(_json, key) ?? absent;

    public bool Flag(string key, bool absent = false) => _json[key]?.GetValue<bool>() ?? absent;

    public string? Text(string key) => _json[key]?.GetValue<string>();

    public JsonObject? Object(string key) => _json[key] as JsonObject;

    public JsonArray? Array(string key) => _json[key] as JsonArray;

    public static double? Number(JsonObject? json, string key) => json?[key]?.GetValue<double>();
}
