using System.Security.Cryptography;
using System.Text;
using Moesaic.Models.Unicode;

namespace Moesaic.Models.Tests.Unicode;

/// <summary>
/// Results of all four forms against those of an independent implementation (Python's unicodedata, Unicode 14), as hashes of
/// the results in UTF-8, each followed by a line feed, in the order NFC, NFD, NFKC, NFKD.
/// </summary>
public sealed class NormalizationHashTests
{
    private static readonly NormalizationForm[] s_forms = [NormalizationForm.FormC, NormalizationForm.FormD, NormalizationForm.FormKC, NormalizationForm.FormKD];

    private static readonly (int First, int Last)[] s_ranges =
    [
        (0x300, 0x36F), (0x41, 0x5A), (0x61, 0x7A), (0xC0, 0x24F), (0xAC00, 0xAFFF), (0x1100, 0x11FF), (0x900, 0xDFF), (0xF900, 0xFAFF),
        (0x1D150, 0x1D1FF), (0x1E00, 0x1FFF), (0x20D0, 0x20F0), (0x3040, 0x30FF), (0xFE20, 0xFE2F), (0x590, 0x6FF), (0xFB00, 0xFDFF), (0x302A, 0x302F),
    ];

    [Test]
    public void Every_code_point() => Check(
        Enumerable.Range(0, 0x110000).Where(c => c is < 0xD800 or > 0xDFFF).Select(char.ConvertFromUtf32),
        "2bcb838f078207be2b961580f931ebd98a5d649b774c8ca69c084647467fdb54");

    [Test]
    public void Many_sequences() => Check(Sequences(), "3bb7331e88676be98cfd26d5e283cb718231f17b87f6eae3a7a9a576bc831b09");

    // Drawn with a generator that is easy to write in any language.
    private static IEnumerable<string> Sequences()
    {
        long state = 12345;
        for (int i = 0; i < 100_000; i++)
        {
            StringBuilder text = new();
            for (int length = 2 + Next(6); length > 0; length--)
            {
                (int first, int last) = s_ranges[Next(s_ranges.Length)];
                text.Append(char.ConvertFromUtf32(first + Next(last - first + 1)));
            }

            yield return text.ToString();
        }

        int Next(int limit)
        {
            state = ((state * 1103515245) + 12345) & 0x7FFFFFFF;
            return (int)((state >> 8) % limit);
        }
    }

    private static void Check(IEnumerable<string> texts, string expected)
    {
        UnicodeNormalizer normalizer = UnicodeNormalizer.ForVersion(14);
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] bytes = new byte[4096];
        foreach (string text in texts)
        {
            foreach (NormalizationForm form in s_forms)
            {
                int length = Encoding.UTF8.GetBytes(normalizer.Normalize(text, form), bytes);
                bytes[length] = (byte)'\n';
                hash.AppendData(bytes, 0, length + 1);
            }
        }

        Assert.That(Convert.ToHexStringLower(hash.GetHashAndReset()), Is.EqualTo(expected));
    }
}
