using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;

namespace Moesaic.Server.Hosting;

/// <summary>
/// When a client ends its side of a connection, Kestrel would throw away what it was about to be told. Here that only cancels
/// what runs for it, so that a request cut off in the middle still gets its refusal.
/// </summary>
internal sealed class ClientDeparture
{
    private readonly CancellationToken _gone;

    private ClientDeparture(CancellationToken gone) => _gone = gone;

    public static void Attach(ConnectionContext connection)
    {
        connection.Features.Set(new ClientDeparture(connection.ConnectionClosed));
        connection.ConnectionClosed = CancellationToken.None;
    }

    /// <summary>Makes the request's token tell of the departure too; dispose the result when the request is over.</summary>
    public static IDisposable? Watch(HttpContext http)
    {
        if (http.Features.Get<ClientDeparture>() is not { } departure)
        {
            return null;
        }

        CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, departure._gone);
        http.RequestAborted = either.Token;
        return either;
    }
}
