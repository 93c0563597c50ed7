using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Moesaic.Server;

/// <summary>Files of a certificate.</summary>
/// <param name="Certificate">The chain, PEM.</param>
/// <param name="Key">The private key, PEM; null: in the same file.</param>
public sealed record TlsFiles(string Certificate, string? Key)
{
    /// <exception cref="ServerConfigurationException">They cannot be read or do not belong together.</exception>
    internal (X509Certificate2 Certificate, X509Certificate2Collection Chain) Load()
    {
        try
        {
            X509Certificate2Collection chain = [];
            chain.ImportFromPemFile(Certificate);
            return (X509Certificate2.CreateFromPemFile(Certificate, Key), chain);
        }
        catch (Exception exception) when (exception is CryptographicException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new ServerConfigurationException($"the TLS certificate {Certificate}{(Key is null ? "" : $" with the key {Key}")} cannot be used: {exception.Message}");
        }
    }
}
