using Microsoft.Extensions.Logging;
using Moesaic.Server.Errors;
using Moesaic.Server.Routing;

namespace Moesaic.Server.OpenAi;

/// <summary>Failures after a stream began, when there is no status to change any more.</summary>
internal static partial class StreamFailures
{
    /// <summary>What the client is told; the cause of a failure of the host's own goes to the log.</summary>
    public static ApiException ToldInStream(this RequestContext context, Exception failure)
    {
        ApiException error = ApiException.From(failure);
        if (error is { Status: >= 500, InnerException: { } cause })
        {
            LogFailure(context.Log, cause, context.RequestId);
        }

        return error;
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "request {RequestId} failed within its stream")]
    private static partial void LogFailure(ILogger logger, Exception exception, string requestId);
}
