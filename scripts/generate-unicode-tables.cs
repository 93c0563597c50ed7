// Writes src/Moesaic.Models/Unicode/UnicodeTables.br from the Unicode Character Database.
//
//   apt-get install unicode-data
//   dotnet run scripts/generate-unicode-tables.cs [/usr/share/unicode] [src/Moesaic.Models/Unicode/UnicodeTables.br]
//
// The layout is read back by Moesaic.Models.Unicode.UnicodeTables; numbers are LEB128 varints, signed ones zigzag.
// Where the database knows no character yet, the general category and simple lower case of the running .NET's own newer
// tables are taken, so that classes reach Unicode 16 with Debian's Unicode 15 files.
using System.Globalization;
using System.IO.Compression;
using System.Text;

string root = args.Length > 0 ? args[0] : "/usr/share/unicode";
string target = args.Length > 1 ? args[1] : "src/Moesaic.Models/Unicode/UnicodeTables.br";
const int CodePoints = 0x110000;
const byte NewerThanDatabase = 16;

string[] categoryNames = ["Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So", "Cn"];
byte[] category = new byte[CodePoints];
byte[] age = new byte[CodePoints];
Array.Fill(category, (byte)29);
Array.Fill(age, (byte)255);
foreach ((int first, int last, string[] fields) in Ranges("extracted/DerivedGeneralCategory.txt"))
{
    Fill(category, first, last, (byte)Array.IndexOf(categoryNames, fields[1]));
}

foreach ((int first, int last, string[] fields) in Ranges("DerivedAge.txt"))
{
    Fill(age, first, last, byte.Parse(fields[1].Split('.')[0], CultureInfo.InvariantCulture));
}

List<int> newer = [];
for (int c = 0; c < CodePoints; c++)
{
    int runtime = (int)CharUnicodeInfo.GetUnicodeCategory(c);
    if (category[c] == 29 && runtime != 29)
    {
        category[c] = (byte)runtime;
        age[c] = NewerThanDatabase;
        newer.Add(c);
    }
}

List<string> scriptNames = ["Zzzz Unknown"];
Dictionary<string, byte> scriptIndex = new() { ["Unknown"] = 0 };
foreach (string line in Lines("PropertyValueAliases.txt"))
{
    string[] fields = line.Split(';', StringSplitOptions.TrimEntries);
    if (fields[0] == "sc" && fields[2] != "Unknown")
    {
        scriptIndex[fields[2]] = (byte)scriptNames.Count;
        scriptNames.Add(string.Join(' ', fields[1..].Distinct()));
    }
}

byte[] script = new byte[CodePoints];
foreach ((int first, int last, string[] fields) in Ranges("Scripts.txt"))
{
    Fill(script, first, last, scriptIndex[fields[1]]);
}

byte[] flags = new byte[CodePoints];
SetFlag("DerivedCoreProperties.txt", "Alphabetic", 1);
SetFlag("PropList.txt", "White_Space", 2);
SetFlag("DerivedCoreProperties.txt", "Lowercase", 4);
SetFlag("DerivedCoreProperties.txt", "Uppercase", 8);
SetFlag("emoji/emoji-data.txt", "Extended_Pictographic", 16);
SetFlag("emoji/emoji-data.txt", "Emoji", 32);
foreach (int c in newer)
{
    flags[c] |= (byte)(category[c] <= 4 || category[c] == 9 ? 1 : 0);
    flags[c] |= (byte)(category[c] == 1 ? 4 : category[c] == 0 ? 8 : 0);
}

string[] breakNames = ["Other", "CR", "LF", "Control", "Extend", "ZWJ", "Regional_Indicator", "Prepend", "SpacingMark", "L", "V", "T", "LV", "LVT"];
byte[] graphemeBreak = new byte[CodePoints];
foreach ((int first, int last, string[] fields) in Ranges("auxiliary/GraphemeBreakProperty.txt"))
{
    Fill(graphemeBreak, first, last, (byte)Array.IndexOf(breakNames, fields[1]));
}

byte[] combiningClass = new byte[CodePoints];
SortedDictionary<int, (bool Compatible, int[] To)> decompositions = [];
SortedDictionary<int, int> lower = [], upper = [], fold = [];
foreach (string line in Lines("UnicodeData.txt"))
{
    string[] fields = line.Split(';');
    int c = Hex(fields[0]);
    combiningClass[c] = byte.Parse(fields[3], CultureInfo.InvariantCulture);
    if (fields[5].Length > 0)
    {
        bool compatible = fields[5][0] == '<';
        string mapping = compatible ? fields[5][(fields[5].IndexOf('>') + 2)..] : fields[5];
        decompositions[c] = (compatible, [.. mapping.Split(' ').Select(Hex)]);
    }

    if (fields[13].Length > 0)
    {
        lower[c] = Hex(fields[13]);
    }

    if (fields[12].Length > 0)
    {
        upper[c] = Hex(fields[12]);
    }
}

foreach (int c in newer)
{
    if (category[c] != 16 && Rune.ToLowerInvariant(new Rune(c)).Value is int small && small != c)
    {
        lower[c] = fold[c] = small;
        upper[small] = c;
    }
}

foreach (string line in Lines("CaseFolding.txt"))
{
    string[] fields = line.Split(';', StringSplitOptions.TrimEntries);
    if (fields[1] is "C" or "S")
    {
        fold[Hex(fields[0])] = Hex(fields[2]);
    }
}

SortedDictionary<int, int[]> fullLower = [];
foreach (string line in Lines("SpecialCasing.txt"))
{
    string[] fields = line.Split(';', StringSplitOptions.TrimEntries);
    if (fields[4].Length == 0 && fields[1].Contains(' ', StringComparison.Ordinal))
    {
        fullLower[Hex(fields[0])] = [.. fields[1].Split(' ').Select(Hex)];
    }
}

SortedSet<int> exclusions = [];
foreach ((int first, int last, string[] fields) in Ranges("DerivedNormalizationProps.txt"))
{
    if (fields[1] == "Full_Composition_Exclusion")
    {
        for (int c = first; c <= last; c++)
        {
            exclusions.Add(c);
        }
    }
}

MemoryStream body = new();
WriteRuns(category);
WriteRuns(age);
WriteRuns(script);
WriteRuns(flags);
WriteRuns(graphemeBreak);
WriteRuns(combiningClass);
byte[] names = Encoding.UTF8.GetBytes(string.Join('\n', scriptNames));
Write((uint)names.Length);
body.Write(names);

Write((uint)decompositions.Count);
int previous = 0;
foreach ((int c, (bool compatible, int[] to)) in decompositions)
{
    Write((uint)(c - previous));
    Write((uint)(to.Length << 1 | (compatible ? 1 : 0)));
    foreach (int t in to)
    {
        Write((uint)t);
    }

    previous = c;
}

Write((uint)exclusions.Count);
previous = 0;
foreach (int c in exclusions)
{
    Write((uint)(c - previous));
    previous = c;
}

WriteMap(lower);
WriteMap(upper);
WriteMap(fold);
Write((uint)fullLower.Count);
foreach ((int c, int[] to) in fullLower)
{
    Write((uint)c);
    Write((uint)to.Length);
    foreach (int t in to)
    {
        Write((uint)t);
    }
}

byte[] packed = new byte[BrotliEncoder.GetMaxCompressedLength((int)body.Length)];
if (!BrotliEncoder.TryCompress(body.ToArray(), packed, out int written, quality: 11, window: 24))
{
    throw new InvalidOperationException("Brotli refused the tables.");
}

File.WriteAllBytes(target, packed[..written]);
Console.WriteLine($"{target}: {body.Length} bytes, {written} compressed; {newer.Count} characters newer than the database");

void WriteRuns(byte[] table)
{
    for (int start = 0; start < CodePoints;)
    {
        int end = start;
        while (end < CodePoints && table[end] == table[start])
        {
            end++;
        }

        Write((uint)(end - start));
        body.WriteByte(table[start]);
        start = end;
    }
}

void WriteMap(SortedDictionary<int, int> map)
{
    Write((uint)map.Count);
    int last = 0;
    foreach ((int c, int to) in map)
    {
        Write((uint)(c - last));
        int delta = to - c;
        Write((uint)(delta << 1 ^ delta >> 31));
        last = c;
    }
}

void Write(uint value)
{
    for (; value >= 0x80; value >>= 7)
    {
        body.WriteByte((byte)(value | 0x80));
    }

    body.WriteByte((byte)value);
}

void SetFlag(string file, string property, byte bit)
{
    foreach ((int first, int last, string[] fields) in Ranges(file))
    {
        if (fields[1] == property)
        {
            for (int c = first; c <= last; c++)
            {
                flags[c] |= bit;
            }
        }
    }
}

static void Fill(byte[] table, int first, int last, byte value) => Array.Fill(table, value, first, last - first + 1);

static int Hex(string text) => int.Parse(text.AsSpan().Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);

IEnumerable<string> Lines(string file) => File.ReadLines(Path.Combine(root, file))
    .Select(line => line.Split('#')[0].Trim())
    .Where(line => line.Length > 0);

IEnumerable<(int First, int Last, string[] Fields)> Ranges(string file)
{
    foreach (string line in Lines(file))
    {
        string[] fields = line.Split(';', StringSplitOptions.TrimEntries);
        string[] range = fields[0].Split("..");
        yield return (Hex(range[0]), Hex(range[^1]), fields);
    }
}
