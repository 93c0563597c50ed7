namespace Moesaic.Scheduling.Tests;

internal sealed class PrefixHasherTests
{
    /// <summary>The authors' key and messages 0, 1, 2...; results of an independent implementation (OpenSSL, SIPHASH with size 16).</summary>
    [TestCase(0, "A3817F04BA25A8E66DF67214C7550293")]
    [TestCase(1, "DA87C1D86B99AF44347659119B22FC45")]
    [TestCase(2, "8177228DA4A45DC7FCA38BDEF60AFFE4")]
    [TestCase(8, "3B62A9BA6258F5610F83E264F31497B4")]
    [TestCase(15, "5493E99933B0A8117E08EC0F97CFC3D9")]
    [TestCase(272, "EC8331F9A68A08EA1EB45144516EE896")]
    public void Hash_is_siphash_with_128_bits(int length, string expected)
    {
        byte[] message = [.. Enumerable.Range(0, length).Select(static i => (byte)i)];
        SipHash128 hash = new(0x0706050403020100, 0x0f0e0d0c0b0a0908);
        byte[] result = new byte[16];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt128LittleEndian(result, hash.Finish(message));
        Assert.That(Convert.ToHexString(result), Is.EqualTo(expected));
    }

    [Test]
    public void Roots_keep_tenants_and_salts_apart()
    {
        PrefixHasher hasher = new(new byte[16]);
        UInt128[] roots = [hasher.Root("", ""), hasher.Root("a", ""), hasher.Root("", "a"), hasher.Root("ab", "c"), hasher.Root("a", "bc"), hasher.Root("abc", "")];
        Assert.That(roots, Is.Unique);
        Assert.That(hasher.Root("ab", "c"), Is.EqualTo(roots[3]));
    }

    [Test]
    public void A_block_is_named_by_all_that_came_before_it()
    {
        PrefixHasher hasher = new(new byte[16]);
        UInt128[] one = hasher.Chain(1, [1, 2, 3, 4, 5, 6, 7], 2);
        UInt128[] other = hasher.Chain(1, [1, 2, 9, 4, 5, 6], 2);
        Assert.That(one, Has.Length.EqualTo(3), "the last token fills no block");
        Assert.That(one[0], Is.EqualTo(other[0]));
        Assert.That(one[1], Is.Not.EqualTo(other[1]));
        Assert.That(one[2], Is.Not.EqualTo(other[2]));
        Assert.That(hasher.Chain(2, [1, 2], 2)[0], Is.Not.EqualTo(one[0]));
    }

    [Test]
    public void Without_a_given_key_every_scheduler_has_its_own() =>
        Assert.That(new PrefixHasher(null).Root("a", "b"), Is.Not.EqualTo(new PrefixHasher(null).Root("a", "b")));
}
