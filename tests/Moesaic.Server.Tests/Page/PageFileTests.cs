using System.Net;
using System.Net.Http.Headers;
using Moesaic.Server.Page;

namespace Moesaic.Server.Tests.Page;

/// <summary>The chat page's files over HTTP: whole, revalidated, and under a policy that leaves nothing to guess.</summary>
internal sealed class PageFileTests : IDisposable
{
    private ServiceHost _host = null!;
    private HttpClient _client = null!;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        // With a key: the page must show without one, so that it can ask for it.
        _host = await ServiceHost.StartAsync(new ServerOptions { Port = 0, ApiKeys = [new ApiKey("alice", "secret")] });
        _client = new HttpClient { BaseAddress = _host.Address };
    }

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        await _host.Ready;
        await _host.DisposeAsync();
    }

    /// <inheritdoc/>
    public void Dispose() => _client?.Dispose();

    private static IEnumerable<string> Paths() => PageFiles.All.Select(f => f.Path);

    [TestCaseSource(nameof(Paths))]
    public async Task A_file_comes_whole_with_its_type_and_policy(string path)
    {
        using HttpResponseMessage response = await _client.GetAsync(path);
        byte[] body = await response.Content.ReadAsByteArrayAsync();
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        Assert.That(body, Is.EqualTo(File.ReadAllBytes(TestSource(path))));
        Assert.That(response.Content.Headers.ContentLength, Is.EqualTo(body.Length));
        Assert.That(response.Content.Headers.ContentType!.ToString(), Is.EqualTo(Path.GetExtension(path) switch
        {
            "" => "text/html; charset=utf-8",
            ".css" => "text/css; charset=utf-8",
            ".js" => "text/javascript; charset=utf-8",
            _ => "image/svg+xml",
        }));
        string policy = response.Headers.GetValues("Content-Security-Policy").Single();
        Assert.That(policy, Does.Contain("default-src 'none'").And.Contain("frame-ancestors 'none'").And.Contain("script-src 'self'"));
        Assert.That(policy, Does.Not.Contain("unsafe").And.Not.Contain("http"));
        Assert.That(response.Headers.GetValues("X-Content-Type-Options").Single(), Is.EqualTo("nosniff"));
        Assert.That(response.Headers.GetValues("Referrer-Policy").Single(), Is.EqualTo("no-referrer"));
        Assert.That(response.Headers.CacheControl!.ToString(), Is.EqualTo("no-cache"));
    }

    [TestCase("{0}", HttpStatusCode.NotModified)]
    [TestCase("W/{0}", HttpStatusCode.NotModified)]
    [TestCase("\"other\", {0}", HttpStatusCode.NotModified)]
    [TestCase("*", HttpStatusCode.NotModified)]
    [TestCase("\"other\"", HttpStatusCode.OK)]
    [TestCase("not a tag", HttpStatusCode.OK)]
    public async Task A_file_that_the_client_holds_is_not_sent_again(string ifNoneMatch, HttpStatusCode expected)
    {
        using HttpResponseMessage first = await _client.GetAsync("/page/main.js");
        EntityTagHeaderValue tag = first.Headers.ETag!;
        using HttpRequestMessage request = new(HttpMethod.Get, "/page/main.js");
        request.Headers.TryAddWithoutValidation("If-None-Match", string.Format(System.Globalization.CultureInfo.InvariantCulture, ifNoneMatch, tag));
        using HttpResponseMessage second = await _client.SendAsync(request);
        Assert.That(second.StatusCode, Is.EqualTo(expected));
        Assert.That(second.Headers.ETag, Is.EqualTo(tag));
        Assert.That(await second.Content.ReadAsByteArrayAsync(), expected == HttpStatusCode.OK ? Is.Not.Empty : Is.Empty);
    }

    [Test]
    public async Task Head_tells_the_length_and_sends_nothing()
    {
        using HttpRequestMessage request = new(HttpMethod.Head, "/");
        using HttpResponseMessage response = await _client.SendAsync(request);
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        Assert.That(response.Content.Headers.ContentLength, Is.GreaterThan(0));
    }

    [TestCase("/page/")]
    [TestCase("/page/index.html")]
    [TestCase("/page/../main.js.map")]
    [TestCase("/page/%2e%2e/secret")]
    public async Task Nothing_else_is_served(string path)
    {
        using HttpResponseMessage response = await _client.GetAsync(path);
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
    }

    [Test]
    public void The_page_names_nothing_outside_this_host()
    {
        foreach (PageFile file in PageFiles.All)
        {
            string text = File.ReadAllText(TestSource(file.Path)).Replace("http://www.w3.org/2000/svg", "", StringComparison.Ordinal);
            string[] lines = [.. text.Split('\n').Where(l => !l.TrimStart().StartsWith("//", StringComparison.Ordinal))];
            Assert.That(lines, Has.None.Contains("://"), file.Path);
            Assert.That(lines, Has.None.Contains("innerHTML"), file.Path);
        }
    }

    private static string TestSource(string path) => Path.Combine(
        Moesaic.TestSupport.TestPaths.RepositoryRoot, "src", "Moesaic.Server", "Page", "wwwroot", path == "/" ? "index.html" : Path.GetFileName(path));
}
