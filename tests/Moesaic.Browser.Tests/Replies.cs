using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace Moesaic.Browser.Tests;

/// <summary>Answers in OpenAI's shapes.</summary>
internal static class Replies
{
    public static Task JsonAsync(HttpContext context, string json)
    {
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(json);
    }

    public static Task ErrorAsync(HttpContext context, int status, string code, string message)
    {
        context.Response.StatusCode = status;
        context.Response.Headers["X-Request-Id"] = "req-7";
        return JsonAsync(context, Error(code, message));
    }

    public static string Error(string code, string message) =>
        new JsonObject { ["error"] = new JsonObject { ["message"] = message, ["type"] = "invalid_request_error", ["param"] = null, ["code"] = code } }.ToJsonString();

    /// <summary>A chunk whose delta has one text field.</summary>
    public static string Delta(string field, string text) => Chunk(new JsonObject { [field] = text }, null);

    public static string Finish(string reason) => Chunk([], reason);

    public static string Usage(int prompt, int completion, int cached = 0) =>
        new JsonObject
        {
            ["choices"] = new JsonArray(),
            ["usage"] = new JsonObject
            {
                ["prompt_tokens"] = prompt,
                ["completion_tokens"] = completion,
                ["total_tokens"] = prompt + completion,
                ["prompt_tokens_details"] = new JsonObject { ["cached_tokens"] = cached },
            },
        }.ToJsonString();

    private static string Chunk(JsonObject delta, string? reason) =>
        new JsonObject { ["choices"] = new JsonArray(new JsonObject { ["index"] = 0, ["delta"] = delta, ["finish_reason"] = reason }) }.ToJsonString();
}
