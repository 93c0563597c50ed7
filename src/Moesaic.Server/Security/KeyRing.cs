using System.Security.Cryptography;
using System.Text;

namespace Moesaic.Server.Security;

/// <summary>Compares presented keys in a time that depends on neither their content nor which one fits.</summary>
internal sealed class KeyRing
{
    private readonly (string Name, byte[] Digest)[] _keys;

    public KeyRing(IEnumerable<ApiKey> keys) => _keys = [.. keys.Select(static k => (k.Name, SHA256.HashData(Encoding.UTF8.GetBytes(k.Secret))))];

    /// <summary>Whether there are no keys, so that nobody needs one.</summary>
    public bool IsEmpty => _keys.Length == 0;

    /// <summary>The name of the key that was presented; null when it is none of these.</summary>
    public string? Find(ReadOnlySpan<char> presented)
    {
        // Digests have one length, so a wrong length takes as long as a wrong letter.
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(presented.ToArray()), digest);
        string? found = null;
        foreach ((string name, byte[] expected) in _keys)
        {
            bool isSame = CryptographicOperations.FixedTimeEquals(digest, expected);
            found = isSame ? name : found;
        }

        return found;
    }
}
