using System.IO.Compression;
using System.Text;

namespace Moesaic.Models.Unicode;

/// <summary>
/// The character database read from the embedded UnicodeTables.br, which scripts/generate-unicode-tables.cs writes.
/// </summary>
internal static class UnicodeTables
{
    /// <summary>Age of characters that are newer than the database that decompositions come from.</summary>
    public const byte AgeNewer = 16;

    private static readonly Data Tables = Load();

    public static CodePointTable Category => Tables.Category;

    /// <summary>Major version of Unicode that first had the character; 255 for unassigned ones.</summary>
    public static CodePointTable Age => Tables.Age;

    public static CodePointTable Script => Tables.Script;

    public static CodePointTable Flags => Tables.Flags;

    public static CodePointTable GraphemeBreak => Tables.GraphemeBreak;

    public static CodePointTable CombiningClass => Tables.CombiningClass;

    /// <summary>Names of the scripts by number: short name, long name and older names, parted by spaces.</summary>
    public static string[] ScriptNames => Tables.ScriptNames;

    public static Dictionary<int, Decomposition> Decompositions => Tables.Decompositions;

    /// <summary>Characters that composition never yields.</summary>
    public static HashSet<int> CompositionExclusions => Tables.CompositionExclusions;

    public static Dictionary<int, int> SimpleLower => Tables.SimpleLower;

    public static Dictionary<int, int> SimpleUpper => Tables.SimpleUpper;

    public static Dictionary<int, int> SimpleFold => Tables.SimpleFold;

    /// <summary>Characters whose lower case is longer than one character whatever the context.</summary>
    public static Dictionary<int, int[]> FullLower => Tables.FullLower;

    private static Data Load()
    {
        using Stream packed = typeof(UnicodeTables).Assembly.GetManifestResourceStream("Moesaic.Models.UnicodeTables.br")
            ?? throw new InvalidOperationException("The embedded Unicode tables are missing from Moesaic.Models.");
        using BrotliStream unpacked = new(packed, CompressionMode.Decompress);
        using MemoryStream bytes = new();
        unpacked.CopyTo(bytes);
        Reader reader = new(bytes.ToArray());
        CodePointTable[] tables = new CodePointTable[6];
        for (int i = 0; i < tables.Length; i++)
        {
            tables[i] = new CodePointTable(reader.Runs());
        }

        string[] scriptNames = Encoding.UTF8.GetString(reader.Bytes((int)reader.Varint())).Split('\n');
        Dictionary<int, Decomposition> decompositions = reader.Decompositions();
        HashSet<int> exclusions = reader.Exclusions();
        Dictionary<int, int> lower = reader.Map(), upper = reader.Map(), fold = reader.Map();
        Dictionary<int, int[]> fullLower = [];
        for (uint left = reader.Varint(); left > 0; left--)
        {
            int codePoint = (int)reader.Varint();
            fullLower[codePoint] = reader.CodePoints((int)reader.Varint());
        }

        return new Data(tables[0], tables[1], tables[2], tables[3], tables[4], tables[5], scriptNames, decompositions, exclusions, lower, upper, fold, fullLower);
    }

    /// <summary>One step of a decomposition, not applied recursively.</summary>
    public readonly record struct Decomposition(int[] To, bool IsCompatible);

    private sealed record Data(
        CodePointTable Category,
        CodePointTable Age,
        CodePointTable Script,
        CodePointTable Flags,
        CodePointTable GraphemeBreak,
        CodePointTable CombiningClass,
        string[] ScriptNames,
        Dictionary<int, Decomposition> Decompositions,
        HashSet<int> CompositionExclusions,
        Dictionary<int, int> SimpleLower,
        Dictionary<int, int> SimpleUpper,
        Dictionary<int, int> SimpleFold,
        Dictionary<int, int[]> FullLower);

    private sealed class Reader(byte[] data)
    {
        private int _at;

        public uint Varint()
        {
            uint value = 0;
            for (int shift = 0; ; shift += 7)
            {
                byte next = data[_at++];
                value |= (uint)(next & 0x7F) << shift;
                if (next < 0x80)
                {
                    return value;
                }
            }
        }

        public ReadOnlySpan<byte> Bytes(int length)
        {
            _at += length;
            return data.AsSpan(_at - length, length);
        }

        public int[] CodePoints(int length)
        {
            int[] result = new int[length];
            for (int i = 0; i < length; i++)
            {
                result[i] = (int)Varint();
            }

            return result;
        }

        public IEnumerable<(int Length, byte Value)> Runs()
        {
            for (int covered = 0; covered < CodePointTable.CodePoints;)
            {
                int length = (int)Varint();
                covered += length;
                yield return (length, data[_at++]);
            }
        }

        public Dictionary<int, Decomposition> Decompositions()
        {
            int count = (int)Varint();
            Dictionary<int, Decomposition> result = new(count);
            for (int i = 0, codePoint = 0; i < count; i++)
            {
                codePoint += (int)Varint();
                uint header = Varint();
                result[codePoint] = new Decomposition(CodePoints((int)(header >> 1)), (header & 1) != 0);
            }

            return result;
        }

        public HashSet<int> Exclusions()
        {
            int count = (int)Varint();
            HashSet<int> result = new(count);
            for (int i = 0, codePoint = 0; i < count; i++)
            {
                result.Add(codePoint += (int)Varint());
            }

            return result;
        }

        public Dictionary<int, int> Map()
        {
            int count = (int)Varint();
            Dictionary<int, int> result = new(count);
            for (int i = 0, codePoint = 0; i < count; i++)
            {
                codePoint += (int)Varint();
                uint zigzag = Varint();
                result[codePoint] = codePoint + ((int)(zigzag >> 1) ^ -(int)(zigzag & 1));
            }

            return result;
        }
    }
}
