using System.Text;

namespace Moesaic.Models.Unicode;

/// <summary>Lower case and case folding, character by character and independent of language and context.</summary>
public static class CaseMapping
{
    private static readonly Lazy<Dictionary<int, int[]>> FoldSources = new(BuildFoldSources);

    /// <summary>
    /// The text with every character replaced by its full lower case. A final sigma becomes the ordinary small sigma, since
    /// each character is mapped on its own; U+0130 becomes i with a combining dot above.
    /// </summary>
    public static string ToLower(string text)
    {
        int at = 0;
        while (at < text.Length && text[at] < 0x80 && !char.IsAsciiLetterUpper(text[at]))
        {
            at++;
        }

        if (at == text.Length)
        {
            return text;
        }

        StringBuilder result = new(text.Length + 8);
        result.Append(text, 0, at);
        while (at < text.Length)
        {
            int codePoint = UnicodeInfo.CodePointAt(text, at, out int length);
            AppendLower(result, codePoint);
            at += length;
        }

        return result.ToString();
    }

    /// <summary>The simple (one to one) lower case.</summary>
    public static int SimpleLower(int codePoint) => codePoint < 0x80
        ? codePoint is >= 'A' and <= 'Z' ? codePoint + 32 : codePoint
        : UnicodeTables.SimpleLower.GetValueOrDefault(codePoint, codePoint);

    /// <summary>The set extended by everything that equals one of its members when case is ignored (simple folding).</summary>
    public static CodePointSet CloseOverCase(CodePointSet set)
    {
        CodePointSet.Builder builder = new();
        builder.Add(set);
        foreach ((int target, int[] sources) in FoldSources.Value)
        {
            bool any = set.Contains(target);
            foreach (int source in sources)
            {
                any = any || set.Contains(source);
            }

            if (any)
            {
                builder.Add(target, target);
                foreach (int source in sources)
                {
                    builder.Add(source, source);
                }
            }
        }

        return builder.Build();
    }

    private static void AppendLower(StringBuilder result, int codePoint)
    {
        if (UnicodeTables.FullLower.TryGetValue(codePoint, out int[]? several))
        {
            foreach (int part in several)
            {
                UnicodeInfo.Append(result, part);
            }
        }
        else
        {
            UnicodeInfo.Append(result, SimpleLower(codePoint));
        }
    }

    private static Dictionary<int, int[]> BuildFoldSources() => UnicodeTables.SimpleFold
        .GroupBy(pair => pair.Value, pair => pair.Key)
        .ToDictionary(group => group.Key, group => group.ToArray());
}
