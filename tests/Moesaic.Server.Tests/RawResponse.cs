using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace Moesaic.Server.Tests;

/// <summary>A response as it came. Status 0: there was none.</summary>
internal sealed record RawResponse(int Status, string Head, string Body)
{
    public static bool IsWhole(List<byte> bytes)
    {
        ReadOnlySpan<byte> all = CollectionsMarshal.AsSpan(bytes);
        int end = all.IndexOf("\r\n\r\n"u8);
        return end >= 0 && Length(Encoding.Latin1.GetString(all[..end])) is { } length && all.Length >= end + 4 + length;
    }

    public static RawResponse Parse(string text)
    {
        int end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        return end < 0
            ? new RawResponse(0, text, "")
            : new RawResponse(int.Parse(text.AsSpan(9, 3), CultureInfo.InvariantCulture), text[..end], text[(end + 4)..]);
    }

    /// <summary>The machine code of the error; what is no whole envelope fails the test.</summary>
    public string Code()
    {
        using JsonDocument json = JsonDocument.Parse(Body);
        JsonElement error = json.RootElement.GetProperty("error");
        Assert.That(error.GetProperty("message").GetString(), Is.Not.Empty);
        Assert.That(error.GetProperty("type").GetString(), Does.EndWith("_error").Or.EqualTo("request_too_large"));
        Assert.That(Head, Does.Contain("application/json").And.Contain("X-Request-Id: "));
        return error.GetProperty("code").GetString()!;
    }

    private static int? Length(string head)
    {
        foreach (string line in head.Split("\r\n"))
        {
            if (line.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase))
            {
                return int.Parse(line["Content-Length:".Length..], CultureInfo.InvariantCulture);
            }
        }

        return null;
    }
}
