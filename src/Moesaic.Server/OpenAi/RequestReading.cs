using Microsoft.Extensions.Logging;
using Moesaic.Server.Json;
using Moesaic.Server.Routing;

namespace Moesaic.Server.OpenAi;

/// <summary>Reads a request's body into a typed request; fields that nobody knows are logged by name.</summary>
internal static partial class RequestReading
{
    /// <exception cref="Errors.ApiException">The body is malformed or a field is wrong.</exception>
    public static async Task<T> ReadAsync<T>(RequestContext context, Func<JsonFields, RequestContext, T> read)
    {
        using JsonRequest body = JsonRequest.Parse(await context.ReadBodyAsync().ConfigureAwait(false));
        T request = read(body.Root, context);
        if (context.Log.IsEnabled(LogLevel.Information) && body.UnknownFields() is { Count: > 0 } unknown)
        {
            string names = string.Join(", ", unknown);
            LogUnknown(context.Log, names, context.RequestId);
        }

        return request;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "unknown fields ignored: {Fields}; request {RequestId}")]
    private static partial void LogUnknown(ILogger logger, string fields, string requestId);
}
