using System.Security.Cryptography;
using System.Text;

namespace Moesaic.Cli.Pull;

/// <summary>The checksum of a file as its listing states it: SHA-256 of large files, git's blob SHA-1 of the others.</summary>
internal sealed class ContentHash : IDisposable
{
    private const int BufferBytes = 1 << 20;

    private readonly HubFile _file;
    private readonly IncrementalHash _hash;

    public ContentHash(HubFile file)
    {
        _file = file;
        _hash = IncrementalHash.CreateHash(file.IsSha256 ? HashAlgorithmName.SHA256 : HashAlgorithmName.SHA1);
        Begin();
    }

    public void Append(ReadOnlySpan<byte> bytes) => _hash.AppendData(bytes);

    /// <summary>Appends all that a stream has.</summary>
    public async Task AppendAsync(Stream stream, CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[BufferBytes];
        for (int count; (count = await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0;)
        {
            Append(buffer.AsSpan(0, count));
        }
    }

    /// <summary>Begins anew.</summary>
    public void Reset()
    {
        _hash.GetHashAndReset();
        Begin();
    }

    /// <summary>Whether all that was appended is the file's content.</summary>
    public bool Matches()
    {
        bool isSame = Convert.ToHexStringLower(_hash.GetHashAndReset()) == _file.Oid;
        Begin();
        return isSame;
    }

    public void Dispose() => _hash.Dispose();

    private void Begin()
    {
        if (!_file.IsSha256)
        {
            _hash.AppendData(Encoding.ASCII.GetBytes(FormattableString.Invariant($"blob {_file.Size}\0")));
        }
    }
}
