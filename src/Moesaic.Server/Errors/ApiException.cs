using Microsoft.AspNetCore.Http;
using Moesaic.Engine;
using Moesaic.Scheduling;

namespace Moesaic.Server.Errors;

/// <summary>What a request is refused with. Its message is for the caller: what, where, which value, what to do; never a secret.</summary>
/// <param name="status">The HTTP status.</param>
/// <param name="code">One of <see cref="ErrorCodes"/>.</param>
/// <param name="message">For people.</param>
/// <param name="param">The field that is wrong, as a path such as <c>messages[2].content</c>.</param>
/// <param name="retryAfter">When to try again.</param>
/// <param name="cause">For the log.</param>
internal sealed class ApiException(
    int status, string code, string message, string? param = null, TimeSpan? retryAfter = null, Exception? cause = null)
    : Exception(message, cause)
{
    public int Status { get; } = status;

    public string Code { get; } = code;

    public string? Param { get; } = param;

    public TimeSpan? RetryAfter { get; } = retryAfter;

    /// <summary>A value that the request may not have.</summary>
    public static ApiException Invalid(string param, string problem) => new(400, ErrorCodes.InvalidValue, $"{param}: {problem}", param);

    /// <summary>Something known to the protocol that this server does not do.</summary>
    public static ApiException NotSupported(string param, string problem) => new(400, ErrorCodes.NotSupported, $"{param}: {problem}", param);

    /// <summary>Refused because the host stops.</summary>
    public static ApiException Draining() =>
        new(503, ErrorCodes.Draining, "the server is shutting down: ask another one, or this one when it is back", retryAfter: TimeSpan.FromSeconds(10));

    /// <summary>What the engine's answer to a submission means to the caller.</summary>
    /// <param name="result">One that is not accepted.</param>
    public static ApiException Rejected(SubmitResult result) => result switch
    {
        { Reason: RejectionReason.Draining } => Draining(),
        { IsTemporary: true } => new(429, ErrorCodes.QueueFull, result.Message, retryAfter: result.RetryAfter),
        { Reason: RejectionReason.DeadlinePassed } => new(504, ErrorCodes.DeadlineExceeded, result.Message),
        { Reason: RejectionReason.PromptTooLong } => new(400, ErrorCodes.ContextLengthExceeded, result.Message),
        _ => new(400, ErrorCodes.InvalidValue, result.Message),
    };

    /// <summary>What any failure of a route is told as; details of unexpected ones stay in the log.</summary>
    public static ApiException From(Exception exception) => exception switch
    {
        ApiException known => known,
        BadHttpRequestException bad => FromFramework(bad.StatusCode, bad),
        ContextExceededException => new(400, ErrorCodes.ContextLengthExceeded, exception.Message, cause: exception),
        NotSupportedException => new(400, ErrorCodes.NotSupported, exception.Message, cause: exception),
        TimeoutException => new(504, ErrorCodes.DeadlineExceeded, "the request's time ran out", cause: exception),
        _ => new(500, ErrorCodes.InternalError, "the server failed on this request; its log says why under the request's id", cause: exception),
    };

    /// <summary>What a status that the web server found itself is told as.</summary>
    public static ApiException FromFramework(int status, Exception? cause = null) => status switch
    {
        404 => new(404, ErrorCodes.RouteNotFound, "there is no such route"),
        405 => new(405, ErrorCodes.MethodNotAllowed, "the route does not take this method"),
        408 => new(408, ErrorCodes.RequestTimeout, "the request came too slowly", cause: cause),
        411 => new(411, ErrorCodes.LengthRequired, "the request's body needs Content-Length or Transfer-Encoding: chunked", cause: cause),
        413 => new(413, ErrorCodes.BodyTooLarge, "the request's body is larger than this server takes", cause: cause),
        414 => new(414, ErrorCodes.UriTooLong, "the request line is longer than this server takes", cause: cause),
        415 => new(415, ErrorCodes.UnsupportedMediaType, "the request's body must be application/json without a content encoding", cause: cause),
        431 => new(431, ErrorCodes.HeadersTooLarge, "the request's headers are larger or more than this server takes", cause: cause),
        505 => new(505, ErrorCodes.HttpVersionNotSupported, "this server speaks HTTP/1.0 and HTTP/1.1", cause: cause),
        >= 500 => new(status, ErrorCodes.InternalError, "the server failed on this request; its log says why under the request's id", cause: cause),
        _ => new(status, ErrorCodes.BadRequest, cause is null ? "the request is malformed" : $"the request is malformed: {cause.Message}", cause: cause),
    };
}
