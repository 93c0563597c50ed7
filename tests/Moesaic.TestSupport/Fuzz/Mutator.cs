namespace Moesaic.TestSupport.Fuzz;

/// <summary>
/// Deterministic byte mutations for fuzz tests: the same seed and input always give the same sequence of mutants.
/// </summary>
/// <remarks>
/// Mutations: bit flips, interesting bytes and integers (both signs, both widths), block copy, block removal, block
/// duplication, truncation, splices with a second input and insertion of dictionary words. Not thread-safe.
/// </remarks>
public sealed class Mutator
{
    private static readonly byte[] InterestingBytes = [0, 1, 2, 0x7F, 0x80, 0xC0, 0xEF, 0xFE, 0xFF, (byte)'"', (byte)'\\', (byte)'{', (byte)'}', (byte)'[', (byte)']', (byte)',', (byte)':', (byte)'-', (byte)'9', (byte)'e', (byte)' ', (byte)'\n'];

    private static readonly ulong[] InterestingIntegers = [0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x100000000, 0x7FFFFFFFFFFFFFFF, 0x8000000000000000, 0xFFFFFFFFFFFFFFFF, 0x1999999999999999];

    private readonly byte[][] _dictionary;
    private ulong _state;

    /// <param name="seed">Start of the sequence.</param>
    /// <param name="dictionary">Words of the format under test (keys, keywords) that are inserted now and then.</param>
    public Mutator(ulong seed, params ReadOnlySpan<string> dictionary)
    {
        _state = seed;
        _dictionary = new byte[dictionary.Length][];
        for (int i = 0; i < dictionary.Length; i++)
        {
            _dictionary[i] = System.Text.Encoding.UTF8.GetBytes(dictionary[i]);
        }
    }

    /// <summary>A mutant of <paramref name="input"/> with one to eight mutations; never the same array.</summary>
    /// <param name="input">The seed input; left unchanged.</param>
    /// <param name="other">Where splices take their bytes from; <paramref name="input"/> itself when empty.</param>
    /// <param name="maxLength">Mutants are cut to this length.</param>
    public byte[] Mutate(ReadOnlySpan<byte> input, ReadOnlySpan<byte> other = default, int maxLength = 1 << 20)
    {
        List<byte> data = [.. input];
        int rounds = 1 + Next(8);
        for (int i = 0; i < rounds; i++)
        {
            MutateOnce(data, other.IsEmpty ? input : other);
        }

        if (data.Count > maxLength)
        {
            data.RemoveRange(maxLength, data.Count - maxLength);
        }

        return [.. data];
    }

    /// <summary>A number in [0, <paramref name="exclusiveMax"/>); 0 when that is not positive.</summary>
    public int Next(int exclusiveMax) => exclusiveMax <= 0 ? 0 : (int)(NextRaw() % (ulong)exclusiveMax);

    private void MutateOnce(List<byte> data, ReadOnlySpan<byte> other)
    {
        if (data.Count == 0)
        {
            data.Add(InterestingBytes[Next(InterestingBytes.Length)]);
            return;
        }

        int at = Next(data.Count);
        int length = Math.Min(1 + Next(1 << Next(12)), data.Count - at);
        switch (Next(10))
        {
            case 0 or 1:
                data[at] ^= (byte)(1 << Next(8));
                break;
            case 2:
                data[at] = InterestingBytes[Next(InterestingBytes.Length)];
                break;
            case 3:
                WriteInteger(data, at);
                break;
            case 4:
                data.RemoveRange(at, length);
                break;
            case 5:
                data.InsertRange(Next(data.Count + 1), data.GetRange(at, length));
                break;
            case 6:
                List<byte> block = data.GetRange(at, length);
                int target = Next(data.Count - length + 1);
                for (int i = 0; i < length; i++)
                {
                    data[target + i] = block[i];
                }

                break;
            case 7:
                data.RemoveRange(at, data.Count - at);
                break;
            case 8:
                int from = Next(other.Length);
                data.InsertRange(at, other.Slice(from, Math.Min(length, other.Length - from)).ToArray());
                break;
            default:
                byte[] word = _dictionary.Length == 0 ? [InterestingBytes[Next(InterestingBytes.Length)]] : _dictionary[Next(_dictionary.Length)];
                data.InsertRange(at, word);
                break;
        }
    }

    private void WriteInteger(List<byte> data, int at)
    {
        ulong value = InterestingIntegers[Next(InterestingIntegers.Length)] + (ulong)(Next(3) - 1);
        int width = 1 << Next(4);
        for (int i = 0; i < width && at + i < data.Count; i++)
        {
            data[at + i] = (byte)(value >> (8 * i));
        }
    }

    // SplitMix64 (Steele, Lea, Flood 2014): tiny state, full period, good enough for choosing mutations.
    private ulong NextRaw()
    {
        ulong z = _state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
