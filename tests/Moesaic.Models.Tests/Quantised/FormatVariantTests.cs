using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Moesaic.Models.Decoder;
using Moesaic.Models.Tests.Decoder;
using Moesaic.Models.Tests.Families.Reference;

namespace Moesaic.Models.Tests.Quantised;

/// <summary>
/// Quantised formats with settings, sizes and tensors that the fixtures do not have: stacked experts, latent attention, fused
/// projections, groups of any size. Logits are held against the plain forward pass on the exact values of what was stored.
/// </summary>
public sealed partial class FormatVariantTests
{
    // No width is a multiple of 128, and a block of 128 rows holds rows of gate and of up.
    private const string Odd = """{"hidden_size":160,"kv_lora_rank":144,"q_lora_rank":48,"intermediate_size":208,"moe_intermediate_size":144,"num_hidden_layers":2,"n_routed_experts":8}""";

    // Every width fills words of all sizes and groups of 32.
    private const string Even = """{"hidden_size":128,"kv_lora_rank":64,"q_lora_rank":64,"qk_rope_head_dim":32,"qk_head_dim":56,"intermediate_size":192,"moe_intermediate_size":96,"num_hidden_layers":2,"n_routed_experts":8}""";
    private const string Block = """{"quant_method":"fp8","fmt":"e4m3","activation_scheme":"dynamic","weight_block_size":[128,128],"modules_to_not_convert":["lm_head"]}""";

    private static readonly (string Name, string Settings, Func<string, Encoder?> Encoder)[] s_formats =
    [
        ("fp8 block", Block, All(Encoders.Float8(128, 128, "_scale_inv"))),
        ("fp8 block of 64 x 32", Block.Replace("[128,128]", "[64,32]", StringComparison.Ordinal), All(Encoders.Float8(64, 32, "_scale_inv"))),
        ("fp8 tensor, static", """{"quant_method":"fp8","activation_scheme":"static","ignored_layers":["lm_head"]}""", All(Encoders.Float8(0, 0, "_scale", ".input_scale"))),
        ("fp8 tensor, as Mistral writes it", """{"quant_method":"fp8","activation_scheme":"static","weight_block_size":null,"dequantize":false,"modules_to_not_convert":["lm_head"]}""", All(Encoders.Float8(0, 0, "_scale_inv", ".activation_scale"))),
        ("fp8 row", """{"quant_method":"fp8","activation_scheme":"dynamic"}""", All(Encoders.Float8(1, 0, "_scale"))),
        ("fp8 channel", Compressed("float-quantized", """{"num_bits":8,"type":"float","strategy":"channel"}"""), All(Encoders.Float8(1, 0, "_scale"))),
        ("fp8 block, compressed-tensors", Compressed("float-quantized", """{"num_bits":8,"type":"float","strategy":"block","block_structure":[128,128]}"""), All(Encoders.Float8(128, 128, "_scale"))),
        ("fp8 modelopt", """{"quant_method":"modelopt","quant_algo":"FP8","ignore":["lm_head","*mlp.gate"],"kv_cache_scheme":{"type":"float","num_bits":8},"producer":{"name":"modelopt"}}""", All(Encoders.Float8(0, 0, "_scale", ".input_scale"))),
        ("int8 channel", Compressed("int-quantized", """{"num_bits":8,"type":"int","strategy":"channel","symmetric":true}"""), All(Encoders.Int8(0, true))),
        ("int8 channel, zero points", Compressed("int-quantized", """{"num_bits":8,"type":"int","strategy":"channel","symmetric":false}"""), All(Encoders.Int8(0, false))),
        ("int8 group 32", Compressed("int-quantized", """{"num_bits":8,"type":"int","strategy":"group","group_size":32,"symmetric":false}"""), All(Encoders.Int8(32, false))),
        ("nvfp4 compressed-tensors", Compressed("nvfp4-pack-quantized", """{"num_bits":4,"type":"float","strategy":"tensor_group","group_size":16}"""), All(Encoders.Nvfp4(true))),
        ("nvfp4 modelopt", """{"quant_method":"modelopt","quant_algo":"NVFP4","group_size":16,"ignore":["lm_head"]}""", All(Encoders.Nvfp4(false))),
        ("gptq 4, all columns", Gptq(4, -1), All(IntegerEncoders.Gptq(4, -1))),
        ("gptq 4, group 32", Gptq(4, 32), All(IntegerEncoders.Gptq(4, 32))),
        ("gptq 4, group 48", Gptq(4, 48), All(IntegerEncoders.Gptq(4, 48))),
        ("gptq 4, order", Gptq(4, 32, "\"desc_act\":true"), All(IntegerEncoders.Gptq(4, 32, actOrder: true))),
        ("gptq 4, all columns, order", Gptq(4, -1, "\"desc_act\":true"), All(IntegerEncoders.Gptq(4, -1, actOrder: true))),
        ("gptq 2", Gptq(2, 64), All(IntegerEncoders.Gptq(2, 64))),
        ("gptq 3", Gptq(3, 32), All(IntegerEncoders.Gptq(3, 32))),
        ("gptq 3, all columns, order", Gptq(3, -1, "\"desc_act\":true"), All(IntegerEncoders.Gptq(3, -1, actOrder: true))),
        ("gptq 8", Gptq(8, 32), All(IntegerEncoders.Gptq(8, 32))),
        ("gptq 8, version 2", Gptq(8, -1, "\"checkpoint_format\":\"gptq_v2\""), All(IntegerEncoders.Gptq(8, -1, version: 2))),
        ("gptq 3, version 2", Gptq(3, 64, "\"checkpoint_format\":\"gptq_v2\""), All(IntegerEncoders.Gptq(3, 64, version: 2))),
        ("gptq, other bits by module", Gptq(4, 32, "\"dynamic\":{\"+:.*down_proj\":{\"bits\":8,\"group_size\":-1},\"-:.*self_attn\":{}}"),
            n => Attention().IsMatch(n) ? null : n.Contains("down_proj", StringComparison.Ordinal) ? IntegerEncoders.Gptq(8, -1) : IntegerEncoders.Gptq(4, 32)),
        ("awq 32", Awq(32), All(IntegerEncoders.Awq(32))),
        ("awq 64", Awq(64), All(IntegerEncoders.Awq(64))),
        ("awq, all columns", Awq(-1), All(IntegerEncoders.Awq(-1))),
        ("packed 4", Compressed("pack-quantized", """{"num_bits":4,"type":"int","strategy":"group","group_size":32,"symmetric":true}"""), All(IntegerEncoders.Packed(4, 32, true))),
        ("packed 4, channel", Compressed("pack-quantized", """{"num_bits":4,"type":"int","strategy":"channel","symmetric":true}"""), All(IntegerEncoders.Packed(4, -1, true))),
        ("packed 8, zero points", Compressed("pack-quantized", """{"num_bits":8,"type":"int","strategy":"group","group_size":64,"symmetric":false}"""), All(IntegerEncoders.Packed(8, 64, false))),
        ("packed 2, zero points", Compressed("pack-quantized", """{"num_bits":2,"type":"int","strategy":"group","group_size":32,"symmetric":false}"""), All(IntegerEncoders.Packed(2, 32, false))),
        ("packed 4, order", Compressed("pack-quantized", """{"num_bits":4,"type":"int","strategy":"group","group_size":32,"symmetric":false,"actorder":"group"}"""), All(IntegerEncoders.Packed(4, 32, false, actOrder: true))),
        ("packed 4, order of weights", Compressed("pack-quantized", """{"num_bits":4,"type":"int","strategy":"group","group_size":32,"symmetric":true,"actorder":"weight"}"""), All(IntegerEncoders.Packed(4, 32, true))),
        ("packed 4, experts alone", Compressed("pack-quantized", """{"num_bits":4,"type":"int","strategy":"group","group_size":32,"symmetric":true}""", "re:.*self_attn.*", "re:.*shared_experts.*", "re:.*mlp\\\\.(gate|up|down)_proj"),
            n => n.Contains(".experts.", StringComparison.Ordinal) ? IntegerEncoders.Packed(4, 32, true) : null),
        ("packed 4, up alone", Compressed("pack-quantized", """{"num_bits":4,"type":"int","strategy":"group","group_size":32,"symmetric":true}"""), n => n.Contains("up_proj", StringComparison.Ordinal) ? IntegerEncoders.Packed(4, 32, true) : null),
        ("fp8 row, queries and some experts", """{"quant_method":"fp8","activation_scheme":"dynamic"}""", n => SomeExperts().IsMatch(n) ? Encoders.Float8(1, 0, "_scale") : null),
        ("two formats", """
            {"quant_method":"compressed-tensors","format":"mixed-precision","quantization_status":"frozen","ignore":["lm_head"],"config_groups":{
            "group_0":{"targets":["re:.*self_attn.*"],"format":"float-quantized","weights":{"num_bits":8,"type":"float","strategy":"channel","symmetric":true,"dynamic":false},"input_activations":{"num_bits":8,"dynamic":true}},
            "group_1":{"targets":["Linear"],"format":"pack-quantized","weights":{"num_bits":4,"type":"int","strategy":"group","group_size":32,"symmetric":true}}}}
            """, n => Attention().IsMatch(n) ? Encoders.Float8(1, 0, "_scale") : IntegerEncoders.Packed(4, 32, true)),
    ];

    public static IEnumerable<TestCaseData> Cases()
    {
        foreach ((string format, _, _) in s_formats)
        {
            bool words = format.StartsWith("gptq", StringComparison.Ordinal) || format.StartsWith("awq", StringComparison.Ordinal) || format.StartsWith("packed", StringComparison.Ordinal) || format.StartsWith("two", StringComparison.Ordinal);
            yield return new TestCaseData("deepseek_v3", words ? Even : Odd, format, false);
            if (!words && !format.Contains("some", StringComparison.Ordinal))
            {
                yield return new TestCaseData("deepseek_v3", Odd, format, true);
            }
        }

        string[] some = ["fp8 block", "fp8 tensor, static", "int8 channel, zero points", "nvfp4 modelopt", "gptq 4, group 32", "gptq 3", "gptq 4, order", "awq 64", "packed 4, order"];
        foreach (string format in some)
        {
            yield return new TestCaseData("phi3", """{"hidden_size":128,"intermediate_size":192,"num_hidden_layers":2}""", format, false);
            yield return new TestCaseData("ling", """{"hidden_size":128,"intermediate_size":192,"moe_intermediate_size":96,"moe_shared_expert_intermediate_size":96,"num_hidden_layers":2}""", format, false);
        }

        foreach (string format in (string[])["fp8 block", "nvfp4 compressed-tensors", "packed 4", "gptq 8"])
        {
            yield return new TestCaseData("mixtral", """{"hidden_size":128,"intermediate_size":96,"num_hidden_layers":2}""", format, false);
            yield return new TestCaseData("gemma3", """{"hidden_size":128,"intermediate_size":192,"num_hidden_layers":2,"layer_types":null}""", format, false);
            yield return new TestCaseData("olmoe", """{"hidden_size":128,"intermediate_size":96,"num_hidden_layers":2}""", format, false);
            yield return new TestCaseData("dots1", """{"hidden_size":128,"intermediate_size":192,"moe_intermediate_size":96,"num_hidden_layers":2,"layer_types":null}""", format, false);
        }

        yield return new TestCaseData("deepseek_v2_lite", """{"hidden_size":160,"num_hidden_layers":2}""", "fp8 block", true);
        yield return new TestCaseData("deepseek_v3", """{"hidden_size":160,"num_hidden_layers":2,"num_nextn_predict_layers":1}""", "fp8 block", false);
        yield return new TestCaseData("qwen2", """{"hidden_size":128,"num_hidden_layers":2,"layer_types":null}""", "awq 32", false);
    }

    [TestCaseSource(nameof(Cases))]
    public void Logits_are_those_of_the_exact_values(string fixture, string edits, string format, bool stacked)
    {
        JsonObject config = Variant.Config(fixture, edits);
        (_, string settings, Func<string, Encoder?> encoder) = s_formats.Single(f => f.Name == format);
        PlainWeights weights = new() { NormCentre = fixture == "gemma3" ? 0 : 1 };
        PlainModel plain = new(config, weights);
        plain.Logits([1, 2]);
        using EditedCheckpoint checkpoint = weights.ToCheckpoint();
        int encoded = stacked ? EncodeStacks(weights, checkpoint, encoder) : 0;
        foreach ((string name, long[] shape, float[] values) in weights.All.ToArray())
        {
            if (shape.Length == 2 && checkpoint.TryGetTensor(name, out _) && !Unquantised().IsMatch(name) && encoder(name) is { } encode)
            {
                weights.Set(name, encode(checkpoint, name, shape, values));
                encoded++;
            }
        }

        Assert.That(encoded, Is.GreaterThanOrEqualTo(8));
        int[] ids = Variant.Ids(24, config["vocab_size"]!.GetValue<int>());
        (double[][] main, double[][] predicted) = plain.Logits(ids);
        config["quantization_config"] = JsonNode.Parse(settings);
        DecoderDescription description = Variant.Describe(config, checkpoint);
        List<ExpandedWeights> announced = [];
        (float[][][] found, float[][][] foundPredicted) = Variant.Logits(description, checkpoint, [ids], announced: announced);
        double nmse = Variant.Nmse(found[0], main);
        TestContext.Out.WriteLine($"NMSE {nmse:E2}; {string.Join("; ", announced)}");
        Assert.That(nmse, Is.LessThanOrEqualTo(1e-9));
        if (predicted.Length > 0)
        {
            Assert.That(Variant.Nmse(foundPredicted[0][..^1], predicted[..^1]), Is.LessThanOrEqualTo(1e-9));
        }

        if (description.Layers[0].Attention.Latent is not null)
        {
            float[][] expanded = Variant.Logits(description, checkpoint, [ids], form: LatentForm.Expanded).Main[0];
            Assert.That(Variant.Nmse(expanded, main), Is.LessThanOrEqualTo(1e-9), "keys and values of each head expanded");
        }

        CheckFastPrecision(description, checkpoint, ids, main);
    }

    // Choices of experts may flip with rounded activations; the bits may not depend on the steps all the same.
    private static void CheckFastPrecision(DecoderDescription description, EditedCheckpoint checkpoint, int[] ids, double[][] main)
    {
        float[][] fast = Variant.Logits(description, checkpoint, [ids], options: DecoderFixture.Fast).Main[0];
        float[][] stepwise = Variant.Logits(description, checkpoint, [ids], i => SequenceRunner.Alone(i, 7), options: DecoderFixture.Fast).Main[0];
        Assert.That(stepwise.Zip(fast).All(p => p.First.AsSpan().SequenceEqual(p.Second)), Is.True, "in chunks");
        if (description.Layers.All(l => l.FeedForward is MlpDescription))
        {
            Assert.That(Variant.Nmse(fast, main), Is.LessThanOrEqualTo(3e-3), "fast precision");
        }
    }

    // As transformers 5 saves experts: gate and up of all in one tensor, down of all in another.
    private static int EncodeStacks(PlainWeights weights, EditedCheckpoint checkpoint, Func<string, Encoder?> encoder)
    {
        Dictionary<string, (long[] Shape, float[] Values)> all = weights.All.ToDictionary(t => t.Name, t => (t.Shape, t.Values));
        int encoded = 0;
        foreach (string prefix in all.Keys.Select(n => FirstExpert().Match(n)).Where(m => m.Success).Select(m => m.Groups[1].Value).ToArray())
        {
            foreach ((string stack, string[] parts) in ((string, string[])[])[("gate_up_proj", ["gate_proj", "up_proj"]), ("down_proj", ["down_proj"])])
            {
                string[] names = [.. Enumerable.Range(0, 1000).SelectMany(e => parts.Select(part => $"{prefix}{e}.{part}.weight")).TakeWhile(all.ContainsKey)];
                long[] one = all[names[0]].Shape;
                float[] values = [.. names.SelectMany(n => all[n].Values)];
                float[] exact = encoder(prefix + stack)!(checkpoint, prefix + stack, [names.Length / parts.Length, parts.Length * one[0], one[1]], values);
                for (int i = 0; i < names.Length; i++)
                {
                    checkpoint.Remove(names[i]);
                    weights.Set(names[i], exact[(i * values.Length / names.Length)..((i + 1) * values.Length / names.Length)]);
                }

                encoded += names.Length;
            }
        }

        return encoded;
    }

    private static Func<string, Encoder?> All(Encoder encoder) => _ => encoder;

    private static string Gptq(int bits, int group, string more = "\"desc_act\":false") => $$"""{"quant_method":"gptq","bits":{{bits}},"group_size":{{group}},"sym":false,"lm_head":false,{{more}}}""";

    private static string Awq(int group) => $$"""{"quant_method":"awq","bits":4,"group_size":{{group}},"zero_point":true,"version":"gemm","modules_to_not_convert":["mlp.gate"]}""";

    private static string Compressed(string format, string weights, params string[] ignored) =>
        $$$$"""{"quant_method":"compressed-tensors","format":"{{{{format}}}}","quantization_status":"compressed","ignore":[{{{{string.Join(',', [.. ignored.Append("lm_head").Append("re:.*mlp.gate$").Select(i => $"\"{i}\"")])}}}}],"config_groups":{"group_0":{"targets":["Linear"],"weights":{{{{weights}}}}}}}""";

    [GeneratedRegex(@"embed|lm_head|mlp\.gate\.weight|block_sparse_moe\.gate|eh_proj|shared_head")]
    private static partial Regex Unquantised();

    [GeneratedRegex(@"q_b_proj|experts\.[1-3]\.")]
    private static partial Regex SomeExperts();

    [GeneratedRegex("self_attn")]
    private static partial Regex Attention();

    [GeneratedRegex(@"^(.*\.experts\.)0\.gate_proj\.weight$")]
    private static partial Regex FirstExpert();
}
