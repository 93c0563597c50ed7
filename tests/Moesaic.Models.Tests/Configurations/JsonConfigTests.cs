using System.Text;
using Moesaic.Models.Configurations;

namespace Moesaic.Models.Tests.Configurations;

/// <summary>Typed reading of config.json: nothing wrong passes, and nothing is ignored silently.</summary>
public sealed class JsonConfigTests
{
    [Test]
    public void Values_are_read_by_type()
    {
        JsonConfig config = Parse("""{"i":3,"whole":8.0,"f":1e-05,"b":true,"s":"x\u00fc","ints":[1,2],"numbers":[1,0.5],"bools":[true,false],"strings":["a"],"none":null,"o":{"k":1}}""");

        Assert.Multiple(() =>
        {
            Assert.That(config.GetInt32("i"), Is.EqualTo(3));
            Assert.That(config.GetInt32("whole"), Is.EqualTo(8));
            Assert.That(config.GetDouble("f"), Is.EqualTo(1e-5));
            Assert.That(config.GetDouble("i"), Is.EqualTo(3));
            Assert.That(config.GetBoolean("b"), Is.True);
            Assert.That(config.GetString("s"), Is.EqualTo("xü"));
            Assert.That(config.GetInt32Array("ints"), Is.EqualTo(new[] { 1, 2 }));
            Assert.That(config.GetDoubleArray("numbers"), Is.EqualTo(new[] { 1, 0.5 }));
            Assert.That(config.TryGetBooleanArray("bools", out bool[]? bools), Is.True);
            Assert.That(bools, Is.EqualTo(new[] { true, false }));
            Assert.That(config.TryGetStringArray("strings", out _), Is.True);
            Assert.That(config.GetInt32("none", absent: 5), Is.EqualTo(5));
            Assert.That(config.Has("none"), Is.False);
            Assert.That(config.TryGetObject("o", out JsonConfig? child) && child.GetInt32("k") == 1);
        });
        Assert.That(config.RequireAllRead, Throws.Nothing);
    }

    [TestCase("i", "i: expected an integer, found the string \"x\"", """{"i":"x"}""")]
    [TestCase("i", "i: expected an integer, found the number 1.5", """{"i":1.5}""")]
    [TestCase("i", "i: expected an integer, found the number 1e400", """{"i":1e400}""")]
    [TestCase("i", "i: the value 9999999999 does not fit 32 bits", """{"i":9999999999}""")]
    [TestCase("i", "i: expected an integer, found the array [1]", """{"i":[1]}""")]
    [TestCase("i", "i: this key is missing; expected an integer", """{}""")]
    public void Wrong_value_is_named(string key, string message, string json)
    {
        Assert.That(() => Parse(json).GetInt32(key), Throws.TypeOf<ModelFormatException>().With.Message.Contains($"config.json: {message}"));
    }

    [TestCase("""{"a":1,"a":1}""")]
    [TestCase("""{"a":{"b":1,"b":2}}""")]
    [TestCase("""[1]""")]
    [TestCase("""{"a":""")]
    [TestCase("")]
    [TestCase("""{"\ud800":1}""")]
    [TestCase("""{"a":["\udc00"]}""")]
    public void Wrong_text_is_refused(string json)
    {
        Assert.That(() => Parse(json), Throws.TypeOf<ModelFormatException>().With.Message.StartsWith("config.json: root: "));
    }

    [Test]
    public void Deep_nesting_is_refused()
    {
        string json = new('[', 100_000);
        Assert.That(() => Parse("{\"a\":" + json), Throws.TypeOf<ModelFormatException>());
    }

    [Test]
    public void Unread_keys_are_refused_by_name()
    {
        JsonConfig config = Parse("""{"known":1,"future_option":true,"nested":{"read":1,"left":"x"},"off":null,"ignorable":2}""");
        _ = config.GetInt32("known");
        config.Ignore("ignorable");
        Assert.That(config.TryGetObject("nested", out JsonConfig? nested), Is.True);
        _ = nested!.GetInt32("read");

        Assert.That(config.UnreadKeys, Is.EqualTo(new[] { "future_option", "nested.left" }));
        Assert.That(config.RequireAllRead, Throws.TypeOf<ModelFormatException>().With.Message
            .EqualTo("config.json: future_option: this option (true) is not supported; nor are nested.left."));
        config.Ignore("future_option");
        Assert.That(config.RequireAllRead, Throws.TypeOf<ModelFormatException>().With.Message
            .EqualTo("config.json: nested.left: this option (\"x\") is not supported."));
    }

    [Test]
    public void Switches_in_an_unsupported_position_are_refused()
    {
        JsonConfig config = Parse("""{"bias":true,"act":"gelu"}""");

        Assert.That(() => config.RequireBoolean("bias", false), Throws.TypeOf<ModelFormatException>().With.Message.Contains("bias: the value true is not supported"));
        Assert.That(() => config.RequireString("act", "silu", "swish"), Throws.TypeOf<ModelFormatException>().With.Message.Contains("'gelu' is not supported for this model; expected 'silu' or 'swish'"));
        Assert.That(() => config.RequireBoolean("absent", true), Throws.Nothing);
        Assert.That(() => config.GetInt32InRange("absent", 1, 2), Throws.TypeOf<ModelFormatException>());
    }

    [Test]
    public void General_keys_are_checked_once_for_all_families()
    {
        Assert.That(() => Parse2("""{"add_cross_attention":true}"""), Throws.TypeOf<ModelFormatException>().With.Message.Contains("add_cross_attention"));
        Assert.That(() => Parse2("""{"pruned_heads":{"1":[2]}}"""), Throws.TypeOf<ModelFormatException>().With.Message.Contains("pruned_heads"));
        Assert.That(() => Parse2("""{"dtype":"float16","torch_dtype":"bfloat16"}"""), Throws.TypeOf<ModelFormatException>().With.Message.Contains("while torch_dtype says 'bfloat16'"));
        HuggingFaceConfig config = Parse2("""{"architectures":["A"],"model_type":"a","torch_dtype":"bfloat16","use_cache":true,"unheard_of":{"quant_method":"x"}}""");
        Assert.That(config.ElementFormat, Is.EqualTo(Models.Checkpoints.ElementFormat.BF16));
        Assert.That(config.Raw.UnreadKeys, Is.EqualTo(new[] { "unheard_of" }));

        static HuggingFaceConfig Parse2(string json) => HuggingFaceConfig.Parse(Encoding.UTF8.GetBytes(json), "config.json");
    }

    internal static JsonConfig Parse(string json) => JsonConfig.Parse(Encoding.UTF8.GetBytes(json), "config.json");
}
