using System.IO.Pipelines;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace Moesaic.Server.Hosting;

/// <summary>Kestrel's endpoint and limits.</summary>
internal static class KestrelSettings
{
    public static void Apply(KestrelServerOptions kestrel, ServerOptions options, (X509Certificate2 Certificate, X509Certificate2Collection Chain)? tls)
    {
        kestrel.AddServerHeader = false;
        KestrelServerLimits limits = kestrel.Limits;
        limits.MaxRequestBodySize = options.MaxBodyBytes;
        limits.MaxConcurrentConnections = options.MaxConnections;
        limits.MaxRequestLineSize = 8 << 10;
        limits.MaxRequestHeadersTotalSize = 32 << 10;
        limits.MaxRequestHeaderCount = 100;
        limits.RequestHeadersTimeout = options.HeadersTimeout;
        limits.MinRequestBodyDataRate = new MinDataRate(bytesPerSecond: 240, options.SlowBodyGrace);

        // A client that stops reading in the middle loses its connection; its tokens are bounded before (MaxUnreadTokens).
        limits.MinResponseDataRate = new MinDataRate(bytesPerSecond: 240, TimeSpan.FromSeconds(30));
        kestrel.Listen(new IPEndPoint(options.Address, options.Port), endpoint =>
        {
            // Streams of one request each gain nothing from HTTP/2; a proxy in front may speak it.
            endpoint.Protocols = HttpProtocols.Http1;
            if (tls is { } found)
            {
                endpoint.UseHttps(new HttpsConnectionAdapterOptions { ServerCertificate = found.Certificate, ServerCertificateChain = found.Chain });
            }

            endpoint.Use(static next => connection =>
            {
                ClientDeparture.Attach(connection);
                RequestLine line = new();
                connection.Transport = new Transport(new LingeringInput(connection.Transport.Input, line), new RejectionBody(connection.Transport.Output, line));
                return next(connection);
            });
        });
    }

    private sealed record Transport(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
