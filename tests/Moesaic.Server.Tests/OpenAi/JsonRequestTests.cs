using System.Text;
using Moesaic.Server.Errors;
using Moesaic.Server.Json;

namespace Moesaic.Server.Tests.OpenAi;

/// <summary>The strict reader of request bodies.</summary>
public sealed class JsonRequestTests
{
    [TestCase("", "is empty")]
    [TestCase(" \n", "is empty")]
    [TestCase("{", "line 1, byte 2")]
    [TestCase("{\"a\":NaN}", "line 1, byte 6")]
    [TestCase("{\"a\":1,}", "not valid JSON")]
    [TestCase("{\"a\":1} x", "not valid JSON")]
    [TestCase("{\"a\":\"\\ud800\"}", "half a surrogate pair")]
    [TestCase("{\"\\udc00\":1}", "half a surrogate pair")]
    [TestCase("{\"a\":{\"b\":[{\"c\":1,\"c\":2}]}}", "the field a.b[0].c twice")]
    [TestCase("{\"a\":1,\"\\u0061\":2}", "the field a twice")]
    public void Malformed_bodies_are_refused_and_say_where(string body, string expected)
    {
        ApiException refused = Refused(() => JsonRequest.Parse(Encoding.UTF8.GetBytes(body)));
        Assert.That((refused.Status, refused.Code), Is.EqualTo((400, ErrorCodes.InvalidJson)));
        Assert.That(refused.Message, Does.Contain(expected));
    }

    [Test]
    public void Bytes_that_are_no_utf8_are_refused()
    {
        Assert.That(Refused(() => JsonRequest.Parse((byte[])[(byte)'{', (byte)'"', 0xC3, 0x28, (byte)'"', (byte)':', (byte)'1', (byte)'}'])).Message, Does.Contain("UTF-8"));
    }

    [Test]
    public void A_byte_order_mark_is_skipped()
    {
        using JsonRequest request = JsonRequest.Parse((byte[])[0xEF, 0xBB, 0xBF, .. "{\"a\":1}"u8]);
        Assert.That(request.Root.Require("a").Integer(0, 9), Is.EqualTo(1));
    }

    [Test]
    public void A_body_that_is_no_object_is_refused()
    {
        ApiException refused = Refused(() => JsonRequest.Parse("[1]"u8.ToArray()));
        Assert.That((refused.Code, refused.Message), Is.EqualTo((ErrorCodes.InvalidValue, "body: expected an object, found an array of 1 items")));
    }

    [Test]
    public void Depth_is_bounded_exactly()
    {
        JsonLimits limits = new() { MaxDepth = 8 };
        Assert.DoesNotThrow(() => JsonRequest.Parse(Nested(7), limits).Dispose());
        Assert.That(Refused(() => JsonRequest.Parse(Nested(8), limits)).Message, Does.Contain("deeper than 8"));
        Assert.That(Refused(() => JsonRequest.Parse(Nested(100_000), limits)).Message, Does.Contain("deeper than 8"));

        static byte[] Nested(int arrays) => Encoding.UTF8.GetBytes($"{{\"a\":{new string('[', arrays)}{new string(']', arrays)}}}");
    }

    [Test]
    public void The_number_of_values_and_fields_is_bounded()
    {
        byte[] many = Encoding.UTF8.GetBytes($"{{\"a\":[{string.Join(',', Enumerable.Repeat("1", 100))}]}}");
        Assert.That(Refused(() => JsonRequest.Parse(many, new JsonLimits { MaxTokens = 50 })).Message, Does.Contain("more than 50"));
        byte[] wide = Encoding.UTF8.GetBytes($"{{{string.Join(',', Enumerable.Range(0, 30).Select(i => $"\"f{i}\":1"))}}}");
        Assert.That(Refused(() => JsonRequest.Parse(wide, new JsonLimits { MaxFields = 29 })).Message, Does.Contain("more than 29 fields"));
        Assert.DoesNotThrow(() => JsonRequest.Parse(wide, new JsonLimits { MaxFields = 30 }).Dispose());
    }

    [TestCase("3", 3)]
    [TestCase("3.0", 3)]
    [TestCase("3e0", 3)]
    [TestCase("-1", null)]
    [TestCase("11", null)]
    [TestCase("3.5", null)]
    [TestCase("1e400", null)]
    [TestCase("99999999999999999999", null)]
    [TestCase("\"3\"", null)]
    [TestCase("true", null)]
    public void Integers_fit_their_range(string value, int? expected)
    {
        Check(value, field => field.Integer(0, 10), expected);
    }

    [TestCase("0.5", 0.5)]
    [TestCase("2", 2.0)]
    [TestCase("0", null)]
    [TestCase("2.001", null)]
    [TestCase("1e999", null)]
    [TestCase("-1e999", null)]
    [TestCase("\"1\"", null)]
    [TestCase("[1]", null)]
    public void Numbers_fit_their_range(string value, double? expected)
    {
        Check(value, field => field.Number(0, 2, minExcluded: true), expected);
    }

    [Test]
    public void Messages_name_the_path_and_what_was_found()
    {
        using JsonRequest request = Parse("""{"messages":[{"content":"x"},{"content":{"a":1}},{}],"ids":[1,2,-3],"words":"maybe","long":"abcdef"}""");
        IReadOnlyList<JsonField> messages = request.Root.Require("messages").Items(3);
        Assert.Multiple(() =>
        {
            Assert.That(Refused(() => messages[1].Object().Require("content").Text()).Message, Is.EqualTo("messages[1].content: expected a string, found an object"));
            Assert.That(Refused(() => messages[2].Object().Require("content")).Param, Is.EqualTo("messages[2].content"));
            Assert.That(Refused(() => messages[2].Object().Require("content")).Code, Is.EqualTo(ErrorCodes.MissingValue));
            Assert.That(Refused(() => request.Root.Require("ids").Integers(0, 9, 3)).Message, Is.EqualTo("ids[2]: found -3, expected an integer from 0 to 9"));
            Assert.That(Refused(() => request.Root.Require("ids").Integers(-9, 9, 2)).Message, Does.Contain("at most 2"));
            Assert.That(Refused(() => request.Root.Require("words").OneOf("yes", "no")).Message, Is.EqualTo("words: found \"maybe\", expected one of 'yes', 'no'"));
            Assert.That(Refused(() => request.Root.Require("long").Text(5)).Message, Does.Contain("6 characters"));
            Assert.That(Refused(() => request.Root.Require("messages").Items(2)).Param, Is.EqualTo("messages"));
        });
    }

    [Test]
    public void Null_counts_as_absent()
    {
        using JsonRequest request = Parse("""{"a":null,"store":false,"kept":true}""");
        Assert.That(request.Root.Find("a"), Is.Null);
        Assert.That(Refused(() => request.Root.Require("a")).Code, Is.EqualTo(ErrorCodes.MissingValue));
        Assert.DoesNotThrow(() => request.Root.Refuse("a", "x"));
        Assert.DoesNotThrow(() => request.Root.Refuse("store", "x"));
        Assert.That(Refused(() => request.Root.Refuse("kept", "send it elsewhere")).Code, Is.EqualTo(ErrorCodes.NotSupported));
    }

    [Test]
    public void Two_names_for_one_thing_are_refused_together()
    {
        using JsonRequest request = Parse("""{"old":1,"new":2,"other":3}""");
        Assert.That(Refused(() => request.Root.FindEither("new", "old")).Param, Is.EqualTo("old"));
        Assert.That(request.Root.FindEither("absent", "other")!.Value.Integer(0, 9), Is.EqualTo(3));
    }

    [Test]
    public void Unknown_fields_are_told_by_path_and_safely()
    {
        using JsonRequest request = Parse("""{"known":{"a":1,"b":2},"ignored":5,"odd\nname":1,"items":[{"c":1}],"map":{"x":1}}""");
        request.Root.Require("known").Object().Require("a");
        request.Root.Ignore("ignored");
        request.Root.Require("items").Items(9)[0].Object();
        request.Root.Require("map").Entries(9);
        Assert.That(request.UnknownFields(), Is.EquivalentTo((string[])["known.b", "odd?name", "items[0].c"]));
        Assert.That(request.UnknownFields(2), Has.Count.EqualTo(2));
    }

    private static void Check<T>(string value, Func<JsonField, T> read, T? expected)
        where T : struct
    {
        using JsonRequest request = Parse($"{{\"v\":{value}}}");
        if (expected is { } wanted)
        {
            Assert.That(read(request.Root.Require("v")), Is.EqualTo(wanted));
        }
        else
        {
            ApiException refused = Refused(() => read(request.Root.Require("v")));
            Assert.That((refused.Status, refused.Code, refused.Param), Is.EqualTo((400, ErrorCodes.InvalidValue, "v")));
        }
    }

    private static JsonRequest Parse(string body) => JsonRequest.Parse(Encoding.UTF8.GetBytes(body));

    private static ApiException Refused(Action action) => Assert.Throws<ApiException>(action)!;
}
