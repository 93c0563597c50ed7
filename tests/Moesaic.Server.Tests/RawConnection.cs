using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Moesaic.Server.Tests;

/// <summary>HTTP as bytes on a socket, for what no client library would send.</summary>
internal sealed class RawConnection : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Socket _socket;

    private RawConnection(Socket socket) => _socket = socket;

    public static async Task<RawConnection> OpenAsync(IPEndPoint address)
    {
        Socket socket = new(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(address);
        return new RawConnection(socket);
    }

    public static async Task<RawResponse> ExchangeAsync(IPEndPoint address, byte[] request, bool halfClose)
    {
        using RawConnection connection = await OpenAsync(address);
        await connection.SendAsync(request);
        if (halfClose)
        {
            connection._socket.Shutdown(SocketShutdown.Send);
        }

        return await connection.ReadResponseAsync();
    }

    public async Task SendAsync(byte[] bytes)
    {
        try
        {
            for (int sent = 0; sent < bytes.Length;)
            {
                sent += await _socket.SendAsync(bytes.AsMemory(sent));
            }
        }
        catch (SocketException)
        {
            // The server has said enough already; its answer is what counts.
        }
    }

    /// <summary>Closes without a word: the other side sees a reset.</summary>
    public void Reset()
    {
        _socket.LingerState = new LingerOption(true, 0);
        _socket.Close();
    }

    /// <summary>One response: as long as its length says, or until the connection ends.</summary>
    public async Task<RawResponse> ReadResponseAsync()
    {
        using CancellationTokenSource deadline = new(Patience);
        List<byte> all = [];
        byte[] buffer = new byte[4096];
        while (!RawResponse.IsWhole(all))
        {
            int count;
            try
            {
                count = await _socket.ReceiveAsync(buffer, deadline.Token);
            }
            catch (SocketException)
            {
                count = 0;
            }

            if (count == 0)
            {
                break;
            }

            all.AddRange(buffer.AsSpan(0, count));
        }

        return RawResponse.Parse(Encoding.UTF8.GetString([.. all]));
    }

    public void Dispose() => _socket.Dispose();
}
