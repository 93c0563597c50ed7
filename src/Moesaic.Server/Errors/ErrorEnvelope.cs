using System.Text.Json;

namespace Moesaic.Server.Errors;

/// <summary>Which protocol's error shape a route answers with.</summary>
internal enum ErrorEnvelope
{
    OpenAi,
    Anthropic,
}

/// <summary>Writes errors as the protocols shape them.</summary>
internal static class ErrorEnvelopes
{
    /// <summary>The shape of the protocol that a path belongs to, whether or not there is a route.</summary>
    public static ErrorEnvelope OfPath(string path) =>
        path.StartsWith("/v1/messages", StringComparison.Ordinal) ? ErrorEnvelope.Anthropic : ErrorEnvelope.OpenAi;

    /// <inheritdoc cref="OfPath(string)"/>
    public static ErrorEnvelope OfPath(ReadOnlySpan<byte> path) =>
        path.StartsWith("/v1/messages"u8) ? ErrorEnvelope.Anthropic : ErrorEnvelope.OpenAi;

    /// <summary>The whole body.</summary>
    public static void Write(Utf8JsonWriter writer, ErrorEnvelope envelope, ApiException error, string requestId)
    {
        writer.WriteStartObject();
        if (envelope == ErrorEnvelope.Anthropic)
        {
            writer.WriteString("type", "error");
        }

        WriteMember(writer, envelope, error);
        if (envelope == ErrorEnvelope.Anthropic)
        {
            writer.WriteString("request_id", requestId);
        }

        writer.WriteEndObject();
    }

    /// <summary>The member <c>error</c> of an open object: also for failures that are told inside a stream.</summary>
    public static void WriteMember(Utf8JsonWriter writer, ErrorEnvelope envelope, ApiException error)
    {
        writer.WriteStartObject("error");
        writer.WriteString("message", error.Message);
        writer.WriteString("type", envelope == ErrorEnvelope.Anthropic ? AnthropicType(error.Status) : OpenAiType(error.Status));
        if (error.Param is not null || envelope == ErrorEnvelope.OpenAi)
        {
            writer.WriteString("param", error.Param);
        }

        writer.WriteString("code", error.Code);
        writer.WriteEndObject();
    }

    /// <summary>OpenAI's type of a status.</summary>
    public static string OpenAiType(int status) => status switch
    {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        408 or 504 => "timeout_error",
        429 => "rate_limit_error",
        503 => "unavailable_error",
        >= 500 => "server_error",
        _ => "invalid_request_error",
    };

    /// <summary>Anthropic's type of a status.</summary>
    public static string AnthropicType(int status) => status switch
    {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        408 or 504 => "timeout_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        503 => "overloaded_error",
        >= 500 => "api_error",
        _ => "invalid_request_error",
    };
}
