namespace Moesaic.Server.Errors;

/// <summary>Stable machine codes: what a program may compare. Never renamed.</summary>
internal static class ErrorCodes
{
    public const string BadRequest = "bad_request";
    public const string InvalidJson = "invalid_json";
    public const string InvalidValue = "invalid_value";
    public const string MissingValue = "missing_value";
    public const string NotSupported = "not_supported";
    public const string ContextLengthExceeded = "context_length_exceeded";
    public const string InvalidHost = "invalid_host";
    public const string InvalidOrigin = "invalid_origin";
    public const string InvalidApiKey = "invalid_api_key";
    public const string RouteNotFound = "route_not_found";
    public const string ModelNotFound = "model_not_found";
    public const string MethodNotAllowed = "method_not_allowed";
    public const string RequestTimeout = "request_timeout";
    public const string ReaderTooSlow = "reader_too_slow";
    public const string LengthRequired = "length_required";
    public const string BodyTooLarge = "body_too_large";
    public const string UriTooLong = "uri_too_long";
    public const string UnsupportedMediaType = "unsupported_media_type";
    public const string HeadersTooLarge = "headers_too_large";
    public const string HttpVersionNotSupported = "http_version_not_supported";
    public const string QueueFull = "queue_full";
    public const string InternalError = "internal_error";
    public const string Loading = "loading";
    public const string Draining = "draining";
    public const string EngineFailed = "engine_failed";
    public const string DeadlineExceeded = "deadline_exceeded";
}
