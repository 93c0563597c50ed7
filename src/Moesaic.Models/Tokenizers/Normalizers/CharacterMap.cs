using System.Buffers.Binary;
using System.Text;

namespace Moesaic.Models.Tokenizers.Normalizers;

/// <summary>
/// SentencePiece's compiled normalization rules: a double array (Darts) over UTF-8 bytes whose values are offsets of
/// zero-terminated replacements.
/// </summary>
internal sealed class CharacterMap
{
    private readonly uint[] _units;
    private readonly byte[] _replacements;

    /// <param name="blob">Size of the double array in bytes (32 bits, little-endian), the array, the replacements.</param>
    /// <exception cref="FormatException">The sizes do not fit, or the replacements are not UTF-8.</exception>
    public CharacterMap(ReadOnlySpan<byte> blob)
    {
        uint size = blob.Length >= 4 ? BinaryPrimitives.ReadUInt32LittleEndian(blob) : 0;
        if (blob.Length < 4 || size % 4 != 0 || size > blob.Length - 4)
        {
            throw new FormatException($"the character map of {blob.Length} bytes says that its array has {size} bytes");
        }

        _units = new uint[size / 4];
        for (int i = 0; i < _units.Length; i++)
        {
            _units[i] = BinaryPrimitives.ReadUInt32LittleEndian(blob[(4 + (4 * i))..]);
        }

        _replacements = blob[(4 + (int)size)..].ToArray();
        if (!System.Text.Unicode.Utf8.IsValid(_replacements))
        {
            throw new FormatException("the replacements of the character map are not UTF-8");
        }
    }

    /// <summary>The replacement of the shortest prefix that has a rule, or null. Longer rules do not count here.</summary>
    public string? FindShortest(ReadOnlySpan<byte> text) => Find(text, longest: false, out _);

    /// <summary>The replacement of the longest prefix that has a rule, or null.</summary>
    /// <param name="text">UTF-8.</param>
    /// <param name="length">Bytes of the prefix; 0 when there is none.</param>
    public string? FindLongest(ReadOnlySpan<byte> text, out int length) => Find(text, longest: true, out length);

    // Unit of a Darts clone: bits 0-7 label (with bit 31), bit 8 leaf, bit 9 and 10-30 offset.
    private string? Find(ReadOnlySpan<byte> text, bool longest, out int length)
    {
        length = 0;
        if (_units.Length == 0)
        {
            return null;
        }

        long found = -1;
        uint place = Offset(_units[0]);
        for (int i = 0; i < text.Length && text[i] != 0; i++)
        {
            place ^= text[i];
            if (place >= _units.Length)
            {
                break;
            }

            uint unit = _units[place];
            if ((unit & 0x800000FF) != text[i])
            {
                break;
            }

            place ^= Offset(unit);
            if ((unit >> 8 & 1) != 0 && place < _units.Length)
            {
                found = _units[place] & 0x7FFFFFFF;
                length = i + 1;
                if (!longest)
                {
                    break;
                }
            }
        }

        return found < 0 ? null : Replacement(found);
    }

    private static uint Offset(uint unit) => unit >> 10 << (int)((unit & (1u << 9)) >> 6);

    private string Replacement(long from)
    {
        if (from >= _replacements.Length)
        {
            return "";
        }

        ReadOnlySpan<byte> rest = _replacements.AsSpan((int)from);
        int end = rest.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? rest : rest[..end]);
    }
}
