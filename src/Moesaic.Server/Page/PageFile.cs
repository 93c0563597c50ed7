using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Moesaic.Server.Page;

/// <summary>One static file of the chat page, held in memory.</summary>
internal sealed class PageFile
{
    /// <summary>
    /// What the page may do: load scripts, styles and pictures from this host and call it. Nothing inline, nothing framed, no
    /// form targets, and no markup from strings (trusted types without any policy), whatever a model writes.
    /// </summary>
    private const string ContentSecurityPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
        + "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

    private readonly ReadOnlyMemory<byte> _content;
    private readonly EntityTagHeaderValue _tag;

    /// <param name="path">Path of its route, from the root.</param>
    /// <param name="contentType">Media type with charset.</param>
    /// <param name="content">The file's bytes.</param>
    public PageFile(string path, string contentType, byte[] content)
    {
        Path = path;
        ContentType = contentType;
        _content = content;
        _tag = new EntityTagHeaderValue($"\"{Convert.ToHexStringLower(SHA256.HashData(content).AsSpan(0, 16))}\"");
    }

    /// <summary>Path of its route, from the root.</summary>
    public string Path { get; }

    public string ContentType { get; }

    /// <summary>Answers GET and HEAD: 200 with the file, or 304 when the client already holds this version.</summary>
    public async Task WriteAsync(HttpContext context)
    {
        HttpResponse response = context.Response;
        IHeaderDictionary headers = response.Headers;
        headers.ETag = _tag.ToString();
        // Kept, but asked for each time: a new version of the program shows at once.
        headers.CacheControl = "no-cache";
        headers.ContentSecurityPolicy = ContentSecurityPolicy;
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        if (IsHeld(context.Request.Headers.IfNoneMatch))
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }

        response.ContentType = ContentType;
        response.ContentLength = _content.Length;
        if (!HttpMethods.IsHead(context.Request.Method))
        {
            await response.Body.WriteAsync(_content, context.RequestAborted).ConfigureAwait(false);
        }
    }

    private bool IsHeld(StringValues ifNoneMatch) =>
        EntityTagHeaderValue.TryParseList(ifNoneMatch, out IList<EntityTagHeaderValue>? tags)
        && tags.Any(tag => tag.Equals(EntityTagHeaderValue.Any) || tag.Compare(_tag, useStrongComparison: false));
}
