using System.Buffers;
using System.Collections.Concurrent;
using System.Text;

namespace Moesaic.Models.Unicode;

/// <summary>Normalization forms (Unicode Standard Annex 15), as of a chosen version of Unicode.</summary>
/// <remarks>Characters newer than the version pass through unchanged, as software of that time treats them. Thread-safe.</remarks>
public sealed class UnicodeNormalizer
{
    private const int SBase = 0xAC00, LBase = 0x1100, VBase = 0x1161, TBase = 0x11A7, LCount = 19, VCount = 21, TCount = 28;
    private const int SCount = LCount * VCount * TCount;

    private static readonly ConcurrentDictionary<int, UnicodeNormalizer> Versions = new();

    private readonly int _version;
    private readonly Dictionary<int, int[]> _canonical = [];
    private readonly Dictionary<int, int[]> _compatible = [];
    private readonly Dictionary<long, int> _compositions = [];

    // One bit a form (1 << form): the character may change or may change its neighbours.
    private readonly byte[] _unsafe = new byte[0x10000];
    private readonly Dictionary<int, byte> _unsafeAstral = [];

    private UnicodeNormalizer(int version)
    {
        _version = version;
        foreach ((int codePoint, UnicodeTables.Decomposition mapping) in UnicodeTables.Decompositions)
        {
            if (UnicodeTables.Age[codePoint] > version)
            {
                continue;
            }

            List<int> canonical = [], compatible = [];
            Expand(codePoint, false, canonical);
            Expand(codePoint, true, compatible);
            if (!mapping.IsCompatible)
            {
                _canonical[codePoint] = [.. canonical];
                if (mapping.To.Length == 2 && !UnicodeTables.CompositionExclusions.Contains(codePoint))
                {
                    _compositions[Pair(mapping.To[0], mapping.To[1])] = codePoint;
                }
            }

            _compatible[codePoint] = [.. compatible];
        }

        FindUnsafe();
    }

    /// <summary>Normalization by the newest tables there are.</summary>
    public static UnicodeNormalizer Newest => ForVersion(UnicodeTables.AgeNewer);

    /// <summary>Normalization as of a major version of Unicode.</summary>
    public static UnicodeNormalizer ForVersion(int version) => Versions.GetOrAdd(version, static v => new UnicodeNormalizer(v));

    /// <summary>The text in the given form; the same instance where nothing changes.</summary>
    public string Normalize(string text, NormalizationForm form)
    {
        int bit = Bit(form);
        if (IsQuickSafe(text, bit))
        {
            return text;
        }

        bool compatible = form is NormalizationForm.FormKC or NormalizationForm.FormKD;
        List<int> points = Decompose(text, compatible);
        int count = form is NormalizationForm.FormC or NormalizationForm.FormKC ? Compose(points) : points.Count;
        StringBuilder result = new(text.Length + 16);
        for (int i = 0; i < count; i++)
        {
            UnicodeInfo.Append(result, points[i]);
        }

        return result.ToString();
    }

    /// <summary>The canonical combining class; 0 for characters newer than the version.</summary>
    public int CombiningClass(int codePoint)
    {
        int combiningClass = UnicodeTables.CombiningClass[codePoint];
        return combiningClass != 0 && UnicodeTables.Age[codePoint] > _version ? 0 : combiningClass;
    }

    private static long Pair(int first, int second) => ((long)first << 32) | (uint)second;

    private static int Bit(NormalizationForm form) => form switch
    {
        NormalizationForm.FormC => 1,
        NormalizationForm.FormD => 2,
        NormalizationForm.FormKC => 4,
        NormalizationForm.FormKD => 8,
        _ => throw new ArgumentOutOfRangeException(nameof(form), form, "unknown normalization form"),
    };

    private void FindUnsafe()
    {
        for (int codePoint = 0; codePoint < 0x10000; codePoint++)
        {
            int flags = CombiningClass(codePoint) != 0 ? 15 : 0;
            flags |= codePoint is >= SBase and < SBase + SCount ? 2 | 8 : 0;
            flags |= codePoint is (>= VBase and < VBase + VCount) or (> TBase and < TBase + TCount) ? 1 | 4 : 0;
            _unsafe[codePoint] = (byte)flags;
        }

        foreach (int codePoint in _canonical.Keys)
        {
            bool recomposes = UnicodeTables.Decompositions[codePoint].To.Length == 2 && !UnicodeTables.CompositionExclusions.Contains(codePoint);
            Mark(codePoint, recomposes ? 2 | 8 : 15);
        }

        foreach ((int codePoint, int[] to) in _compatible)
        {
            bool sameAsCanonical = _canonical.TryGetValue(codePoint, out int[]? canonical) && to.AsSpan().SequenceEqual(canonical);
            Mark(codePoint, sameAsCanonical ? 8 : 4 | 8);
        }

        foreach (long pair in _compositions.Keys)
        {
            Mark((int)pair, 1 | 4);
        }
    }

    private void Mark(int codePoint, int flags)
    {
        if (codePoint < 0x10000)
        {
            _unsafe[codePoint] |= (byte)flags;
        }
        else
        {
            _unsafeAstral[codePoint] = (byte)(_unsafeAstral.GetValueOrDefault(codePoint) | flags);
        }
    }

    private bool IsQuickSafe(string text, int bit)
    {
        for (int i = 0; i < text.Length; i++)
        {
            char unit = text[i];
            if (unit < 0xA0)
            {
                continue;
            }

            if ((_unsafe[unit] & bit) != 0)
            {
                return false;
            }

            if (char.IsHighSurrogate(unit))
            {
                int codePoint = UnicodeInfo.CodePointAt(text, i, out int length);
                if (length == 2 && (CombiningClass(codePoint) != 0 || (_unsafeAstral.GetValueOrDefault(codePoint) & bit) != 0))
                {
                    return false;
                }

                i += length - 1;
            }
        }

        return true;
    }

    private void Expand(int codePoint, bool compatible, List<int> to)
    {
        if (UnicodeTables.Decompositions.TryGetValue(codePoint, out UnicodeTables.Decomposition mapping)
            && (compatible || !mapping.IsCompatible)
            && UnicodeTables.Age[codePoint] <= _version)
        {
            foreach (int part in mapping.To)
            {
                Expand(part, compatible, to);
            }
        }
        else
        {
            to.Add(codePoint);
        }
    }

    private List<int> Decompose(string text, bool compatible)
    {
        Dictionary<int, int[]> mappings = compatible ? _compatible : _canonical;
        List<int> result = new(text.Length + 16);
        for (int i = 0; i < text.Length;)
        {
            int codePoint = UnicodeInfo.CodePointAt(text, i, out int length);
            i += length;
            int syllable = codePoint - SBase;
            if (codePoint < 0xA0)
            {
                result.Add(codePoint);
            }
            else if (syllable is >= 0 and < SCount)
            {
                result.Add(LBase + (syllable / (VCount * TCount)));
                result.Add(VBase + (syllable % (VCount * TCount) / TCount));
                if (syllable % TCount != 0)
                {
                    result.Add(TBase + (syllable % TCount));
                }
            }
            else if (mappings.TryGetValue(codePoint, out int[]? parts))
            {
                result.AddRange(parts);
            }
            else
            {
                result.Add(codePoint);
            }
        }

        OrderMarks(result);
        return result;
    }

    // Stable sort of every run of marks by combining class; sort keys keep it O(n log n) on runs of any length.
    private void OrderMarks(List<int> points)
    {
        for (int start = 0; start < points.Count;)
        {
            if (CombiningClass(points[start]) == 0)
            {
                start++;
                continue;
            }

            int end = start + 1;
            bool ordered = true;
            for (int previous = CombiningClass(points[start]); end < points.Count; end++)
            {
                int current = CombiningClass(points[end]);
                if (current == 0)
                {
                    break;
                }

                ordered &= previous <= current;
                previous = current;
            }

            if (!ordered)
            {
                int length = end - start;
                long[] keys = ArrayPool<long>.Shared.Rent(length);
                int[] values = ArrayPool<int>.Shared.Rent(length);
                for (int i = 0; i < length; i++)
                {
                    values[i] = points[start + i];
                    keys[i] = Pair(CombiningClass(values[i]), i);
                }

                Array.Sort(keys, values, 0, length);
                for (int i = 0; i < length; i++)
                {
                    points[start + i] = values[i];
                }

                ArrayPool<long>.Shared.Return(keys);
                ArrayPool<int>.Shared.Return(values);
            }

            start = end;
        }
    }

    // Composes in place and returns how many code points remain.
    private int Compose(List<int> points)
    {
        int written = 0, starter = -1, lastClass = 0;
        for (int i = 0; i < points.Count; i++)
        {
            int codePoint = points[i];
            int combiningClass = CombiningClass(codePoint);
            bool adjacent = written == starter + 1;
            if (starter >= 0 && (adjacent || lastClass < combiningClass) && TryCompose(points[starter], codePoint, out int composed))
            {
                points[starter] = composed;
                continue;
            }

            if (combiningClass == 0)
            {
                starter = written;
            }

            lastClass = combiningClass;
            points[written++] = codePoint;
        }

        return written;
    }

    private bool TryCompose(int first, int second, out int composed)
    {
        if (first is >= LBase and < LBase + LCount && second is >= VBase and < VBase + VCount)
        {
            composed = SBase + ((((first - LBase) * VCount) + (second - VBase)) * TCount);
            return true;
        }

        if (first is >= SBase and < SBase + SCount && (first - SBase) % TCount == 0 && second is > TBase and < TBase + TCount)
        {
            composed = first + (second - TBase);
            return true;
        }

        return _compositions.TryGetValue(Pair(first, second), out composed);
    }
}
