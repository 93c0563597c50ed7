using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace Moesaic.Scheduling;

/// <summary>
/// Names the content of a block by all tokens up to its end, the tenant and the salt: hash(block) = PRF(hash(block before),
/// its tokens). The key is secret, so a client can neither find nor make colliding prompts. Safe from any thread.
/// </summary>
internal sealed class PrefixHasher
{
    public const int KeyBytes = 16;

    private readonly ulong _key0;
    private readonly ulong _key1;

    public PrefixHasher(ReadOnlyMemory<byte>? key)
    {
        Span<byte> bytes = stackalloc byte[KeyBytes];
        if (key is { } given)
        {
            given.Span.CopyTo(bytes);
        }
        else
        {
            RandomNumberGenerator.Fill(bytes);
        }

        _key0 = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        _key1 = BinaryPrimitives.ReadUInt64LittleEndian(bytes[sizeof(ulong)..]);
    }

    /// <summary>What a chain starts from: sequences share blocks only within one tenant and one salt.</summary>
    public UInt128 Root(string tenant, string salt)
    {
        // The length in front keeps (ab, c) apart from (a, bc).
        byte[] text = Encoding.UTF8.GetBytes(tenant + salt);
        SipHash128 hash = new(_key0, _key1);
        hash.Add((ulong)tenant.Length);
        return hash.Finish(text);
    }

    /// <summary>The hash of a block after one of hash <paramref name="before"/>; blocks of a chain have equally many tokens.</summary>
    public UInt128 Next(UInt128 before, ReadOnlySpan<int> tokens)
    {
        SipHash128 hash = new(_key0, _key1);
        hash.Add((ulong)before);
        hash.Add((ulong)(before >> 64));
        return hash.Finish(MemoryMarshal.AsBytes(tokens));
    }

    /// <summary>Hashes of all whole blocks.</summary>
    public UInt128[] Chain(UInt128 root, ReadOnlySpan<int> tokens, int blockTokens)
    {
        UInt128[] chain = new UInt128[tokens.Length / blockTokens];
        UInt128 before = root;
        for (int i = 0; i < chain.Length; i++)
        {
            before = Next(before, tokens.Slice(i * blockTokens, blockTokens));
            chain[i] = before;
        }

        return chain;
    }
}
