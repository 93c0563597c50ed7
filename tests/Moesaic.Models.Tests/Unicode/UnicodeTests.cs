using System.Globalization;
using System.Text;
using Moesaic.Models.Unicode;

namespace Moesaic.Models.Tests.Unicode;

public sealed class UnicodeTests
{
    // Source, NFC, NFD, NFKC, NFKD; in the manner of NormalizationTest.txt.
    [TestCase("1E0A", "1E0A", "0044 0307", "1E0A", "0044 0307")]
    [TestCase("1E0A 0323", "1E0C 0307", "0044 0323 0307", "1E0C 0307", "0044 0323 0307")]
    [TestCase("0044 0307 0323", "1E0C 0307", "0044 0323 0307", "1E0C 0307", "0044 0323 0307")]
    [TestCase("212B", "00C5", "0041 030A", "00C5", "0041 030A")]
    [TestCase("FB01", "FB01", "FB01", "0066 0069", "0066 0069")]
    [TestCase("0958", "0915 093C", "0915 093C", "0915 093C", "0915 093C")]
    [TestCase("AC00 11A8", "AC01", "1100 1161 11A8", "AC01", "1100 1161 11A8")]
    [TestCase("1100 1161 11A8", "AC01", "1100 1161 11A8", "AC01", "1100 1161 11A8")]
    [TestCase("1D15E", "1D157 1D165", "1D157 1D165", "1D157 1D165", "1D157 1D165")]
    [TestCase("2F800", "4E3D", "4E3D", "4E3D", "4E3D")]
    [TestCase("110A5 110BA", "110AB", "110A5 110BA", "110AB", "110A5 110BA")]
    [TestCase("1D400", "1D400", "1D400", "0041", "0041")]
    [TestCase("0061 0315 0300 05AE 0300 0062", "00E0 05AE 0300 0315 0062", "0061 05AE 0300 0300 0315 0062", "00E0 05AE 0300 0315 0062", "0061 05AE 0300 0300 0315 0062")]
    public void Normalization_forms(string source, string nfc, string nfd, string nfkc, string nfkd)
    {
        string text = Text(source);
        UnicodeNormalizer normalizer = UnicodeNormalizer.Newest;
        Assert.That(normalizer.Normalize(text, NormalizationForm.FormC), Is.EqualTo(Text(nfc)));
        Assert.That(normalizer.Normalize(text, NormalizationForm.FormD), Is.EqualTo(Text(nfd)));
        Assert.That(normalizer.Normalize(text, NormalizationForm.FormKC), Is.EqualTo(Text(nfkc)));
        Assert.That(normalizer.Normalize(text, NormalizationForm.FormKD), Is.EqualTo(Text(nfkd)));
    }

    [Test]
    public void Older_versions_leave_newer_characters_alone()
    {
        // U+11938 came with Unicode 13.
        string decomposed = Text("11935 11930"), composed = Text("11938");
        Assert.That(UnicodeNormalizer.Newest.Normalize(decomposed, NormalizationForm.FormC), Is.EqualTo(composed));
        Assert.That(UnicodeNormalizer.ForVersion(9).Normalize(decomposed, NormalizationForm.FormC), Is.EqualTo(decomposed));
        Assert.That(UnicodeNormalizer.ForVersion(9).Normalize(composed, NormalizationForm.FormD), Is.EqualTo(composed));
    }

    [Test]
    public void Long_runs_of_marks_take_no_quadratic_time()
    {
        string text = "a" + string.Concat(Enumerable.Repeat("\u0315\u0300", 200_000));
        Assert.That(UnicodeNormalizer.Newest.Normalize(text, NormalizationForm.FormC), Has.Length.EqualTo(text.Length - 1));
    }

    [Test]
    public void General_categories_agree_with_the_runtime()
    {
        List<string> different = [];
        for (int c = 0; c < 0x110000; c++)
        {
            if (UnicodeInfo.GetCategory(c) != CharUnicodeInfo.GetUnicodeCategory(c))
            {
                different.Add($"{c:X}");
            }
        }

        // A few characters changed their category in versions after the database's.
        Assert.That(different, Has.Count.LessThan(30), string.Join(' ', different.Take(50)));
    }

    [Test]
    public void White_space_is_the_property()
    {
        int[] expected = [9, 10, 11, 12, 13, 0x20, 0x85, 0xA0, 0x1680, 0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005, 0x2006, 0x2007, 0x2008, 0x2009, 0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000];
        Assert.That(Enumerable.Range(0, 0x110000).Where(UnicodeInfo.IsWhiteSpace), Is.EqualTo(expected));
    }

    [TestCase("ABC\u00C9\u03A3", "abc\u00E9\u03C3")]
    [TestCase("\u0130", "i\u0307")]
    [TestCase("\U00010400\u2126\u1E9E", "\U00010428\u03C9\u00DF")]
    [TestCase("already lower", "already lower")]
    public void Lower_case(string text, string expected) => Assert.That(CaseMapping.ToLower(text), Is.EqualTo(expected));

    [Test]
    public void Case_closure_takes_in_all_variants()
    {
        CodePointSet k = CaseMapping.CloseOverCase(CodePointSet.OfRange('k', 'k'));
        Assert.That((k.Contains('K'), k.Contains(0x212A), k.Contains('l')), Is.EqualTo((true, true, false)));
    }

    [TestCase("e\u0301x", 2)]
    [TestCase("\r\nx", 2)]
    [TestCase("\U0001F1E9\U0001F1EA\U0001F1EB", 4)]
    [TestCase("\U0001F468\u200D\U0001F469x", 5)]
    [TestCase("\u1100\u1161\u11A8x", 3)]
    [TestCase("ab", 1)]
    public void Grapheme_clusters(string text, int end) => Assert.That(GraphemeClusters.NextBoundary(text, 0), Is.EqualTo(end));

    [Test]
    public void Sets_of_code_points()
    {
        CodePointSet set = CodePointSet.OfRange(5, 10).Union(CodePointSet.OfRange(11, 12)).Union(CodePointSet.OfRange(20, 30));
        Assert.That(set.RangeCount, Is.EqualTo(2));
        Assert.That(set.Complement().Complement().Contains(12), Is.True);
        Assert.That(set.Intersect(CodePointSet.OfRange(12, 20)).RangeCount, Is.EqualTo(2));
        Assert.That((set.Contains(4), set.Contains(13), CodePointSet.All.Complement().IsEmpty), Is.EqualTo((false, false, true)));
    }

    private static string Text(string codePoints) => string.Concat(codePoints.Split(' ').Select(c => char.ConvertFromUtf32(int.Parse(c, NumberStyles.HexNumber, CultureInfo.InvariantCulture))));
}
