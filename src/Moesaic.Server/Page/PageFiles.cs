using System.Reflection;

namespace Moesaic.Server.Page;

/// <summary>The chat page's files, from the assembly's resources.</summary>
internal static class PageFiles
{
    private const string ResourcePrefix = "page/";
    private const string IndexName = "index.html";

    /// <summary>Every file: the page itself at <c>/</c>, what it loads under <c>/page/</c>.</summary>
    public static IReadOnlyList<PageFile> All { get; } = Read(typeof(PageFiles).Assembly);

    private static PageFile[] Read(Assembly assembly) =>
    [
        .. assembly.GetManifestResourceNames().Where(name => name.StartsWith(ResourcePrefix, StringComparison.Ordinal))
            .Order(StringComparer.Ordinal).Select(name => Read(assembly, name)),
    ];

    private static PageFile Read(Assembly assembly, string resource)
    {
        using Stream stream = assembly.GetManifestResourceStream(resource)!;
        byte[] content = new byte[stream.Length];
        stream.ReadExactly(content);
        string name = resource[ResourcePrefix.Length..];
        return new PageFile(name == IndexName ? "/" : $"/page/{name}", ContentTypeOf(name), content);
    }

    private static string ContentTypeOf(string name) => Path.GetExtension(name) switch
    {
        ".html" => "text/html; charset=utf-8",
        ".css" => "text/css; charset=utf-8",
        ".js" => "text/javascript; charset=utf-8",
        ".svg" => "image/svg+xml",
        string other => throw new InvalidOperationException($"The page's file {name} has the extension '{other}', for which no content type is known."),
    };
}
