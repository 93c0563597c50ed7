using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace Moesaic.Cli.Pull;

/// <summary>
/// Speaks to a hub. Redirections are followed here, one by one, so that the token goes to the hub itself and nowhere else.
/// </summary>
internal sealed class HubClient : IDisposable
{
    private const int MaxRedirects = 10;
    private const int MaxListingBytes = 64 << 20;
    private const int MaxPages = 1000;

    private readonly HttpClient _client;
    private readonly Uri _endpoint;
    private readonly string? _token;
    private readonly TimeSpan _stall;

    /// <param name="endpoint">The hub.</param>
    /// <param name="token">Shown to the hub; null: none.</param>
    /// <param name="stall">How long a connection may be silent.</param>
    /// <exception cref="UsageException">The address is no hub's, or the token would be sent in the clear.</exception>
    public HubClient(Uri endpoint, string? token, TimeSpan stall)
    {
        if (!endpoint.IsAbsoluteUri || endpoint.Scheme is not ("http" or "https") || endpoint.UserInfo.Length > 0 || endpoint.Query.Length > 0)
        {
            throw new UsageException($"the hub's address is '{endpoint}'; expected https://HOST");
        }

        if (token is not null && endpoint.Scheme == "http" && !endpoint.IsLoopback)
        {
            throw new UsageException($"the token would be sent to {endpoint} where others can read it; use https, or no token");
        }

        _endpoint = endpoint.AbsolutePath.EndsWith('/') ? endpoint : new Uri(endpoint.AbsoluteUri + "/");
        _token = token;
        _stall = stall;
        _client = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            AutomaticDecompression = DecompressionMethods.None,
            ConnectTimeout = stall,
            PooledConnectionIdleTimeout = TimeSpan.FromMinutes(1),
        })
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
        _client.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("moesaic", typeof(HubClient).Assembly.GetName().Version!.ToString(3)));
    }

    public Uri Endpoint => _endpoint;

    /// <summary>The commit that a revision names.</summary>
    /// <exception cref="HubException">There is no such model or revision, or it is not for everybody.</exception>
    public async Task<string> CommitAsync(HubName name, CancellationToken cancellationToken)
    {
        string revision = name.Revision ?? "main";
        (JsonDocument document, _) = await ListAsync(name, new Uri(_endpoint, $"api/models/{name.Id}/revision/{Uri.EscapeDataString(revision)}"), cancellationToken).ConfigureAwait(false);
        using (document)
        {
            return document.RootElement.ValueKind == JsonValueKind.Object && HubListing.Text(document.RootElement, "sha") is { } commit && HubName.IsRevision(commit)
                ? commit
                : throw new HubException($"{_endpoint} does not say which commit '{revision}' of {name.Id} is; is it a hub?");
        }
    }

    /// <summary>All files of a commit.</summary>
    /// <inheritdoc cref="CommitAsync"/>
    public async Task<IReadOnlyList<HubFile>> FilesAsync(HubName name, string commit, CancellationToken cancellationToken)
    {
        List<HubFile> files = [];
        Uri? page = new(_endpoint, $"api/models/{name.Id}/tree/{Uri.EscapeDataString(commit)}?recursive=true");
        for (int i = 0; page is not null; i++)
        {
            if (i == MaxPages)
            {
                throw new HubException($"the listing of {name.Id} has more than {MaxPages} pages");
            }

            (JsonDocument document, page) = await ListAsync(name, page, cancellationToken).ConfigureAwait(false);
            using (document)
            {
                HubListing.AddPage(document.RootElement, files);
            }
        }

        HubListing.CheckUnique(files);
        return files;
    }

    /// <summary>Where a file's content is.</summary>
    public Uri ContentOf(HubName name, string commit, string path) =>
        new(_endpoint, $"{name.Id}/resolve/{Uri.EscapeDataString(commit)}/{string.Join('/', path.Split('/').Select(Uri.EscapeDataString))}");

    /// <summary>Asks, and follows redirections; the response's headers are there, its body is not.</summary>
    /// <exception cref="TransferException">The host cannot be reached or is silent.</exception>
    /// <exception cref="HubException">It redirects endlessly, or to where nothing may be fetched from.</exception>
    public async Task<HttpResponseMessage> GetAsync(Uri uri, Action<HttpRequestHeaders> prepare, CancellationToken cancellationToken)
    {
        for (int i = 0; i <= MaxRedirects; i++)
        {
            HttpResponseMessage response = await SendAsync(uri, prepare, cancellationToken).ConfigureAwait(false);
            if ((int)response.StatusCode is not (301 or 302 or 303 or 307 or 308) || response.Headers.Location is not { } location)
            {
                return response;
            }

            response.Dispose();
            Uri next = new(uri, location);
            if (next.Scheme is not ("http" or "https") || (uri.Scheme == "https" && next.Scheme == "http"))
            {
                throw new HubException($"{uri.GetLeftPart(UriPartial.Path)} redirects to {next.Scheme}://{next.Authority}, which is less safe");
            }

            uri = next;
        }

        throw new HubException($"{_endpoint.Authority} redirects more than {MaxRedirects} times");
    }

    /// <summary>What a status without content means to the user.</summary>
    public Exception Refusal(HubName name, HttpResponseMessage response, string what)
    {
        int status = (int)response.StatusCode;
        string hub = _endpoint.GetLeftPart(UriPartial.Authority);
        return status switch
        {
            401 => new HubException($"{hub} wants to know who asks for {what} (401): {(_token is null ? "give --token or HF_TOKEN" : "it does not know the token")}; a name that does not exist is answered like this too"),
            403 => new HubException($"{hub} does not give out {what} (403): {(_token is null ? "give --token or HF_TOKEN of an account that may have it" : "accept its terms with the token's account")}, at {new Uri(_endpoint, name.Id)}"),
            404 => new HubException($"{hub} has no {what} (404); check name and revision"),
            408 or 429 or >= 500 => new TransferException($"{hub} answers {status} for {what}", response.Headers.RetryAfter is { } when ? when.Delta ?? when.Date - DateTimeOffset.UtcNow : null),
            _ => new HubException($"{hub} answers {status} for {what}"),
        };
    }

    public void Dispose() => _client.Dispose();

    private async Task<HttpResponseMessage> SendAsync(Uri uri, Action<HttpRequestHeaders> prepare, CancellationToken cancellationToken)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, uri);
        if (_token is not null && uri.Scheme == _endpoint.Scheme && uri.Authority == _endpoint.Authority)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", _token);
        }

        prepare(request.Headers);
        using CancellationTokenSource deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(_stall);
        try
        {
            return await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, deadline.Token).ConfigureAwait(false);
        }
        catch (HttpRequestException e)
        {
            throw new TransferException($"{uri.Authority} cannot be reached: {e.Message}", cause: e);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TransferException($"{uri.Authority} is silent", cause: e);
        }
    }

    private async Task<(JsonDocument Document, Uri? Next)> ListAsync(HubName name, Uri uri, CancellationToken cancellationToken)
    {
        using HttpResponseMessage response = await GetAsync(uri, static _ => { }, cancellationToken).ConfigureAwait(false);
        if (response.StatusCode != HttpStatusCode.OK)
        {
            throw Refusal(name, response, name.Revision is null ? name.Id : $"{name.Id} at '{name.Revision}'");
        }

        using CancellationTokenSource deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(_stall);
        try
        {
            await response.Content.LoadIntoBufferAsync(MaxListingBytes, deadline.Token).ConfigureAwait(false);
            await using Stream body = await response.Content.ReadAsStreamAsync(deadline.Token).ConfigureAwait(false);
            JsonDocument document = await JsonDocument.ParseAsync(body, default, deadline.Token).ConfigureAwait(false);
            return (document, NextPage(uri, response));
        }
        catch (JsonException e)
        {
            throw new HubException($"{uri.Authority} answers with something that is no JSON; is it a hub?", e);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw new TransferException($"the listing of {name.Id} broke off: {e.Message}", cause: e);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TransferException($"{uri.Authority} is silent", cause: e);
        }
    }

    // Link: <https://...>; rel="next"
    private Uri? NextPage(Uri uri, HttpResponseMessage response)
    {
        foreach (string link in response.Headers.TryGetValues("Link", out IEnumerable<string>? values) ? values.SelectMany(static v => v.Split(',')) : [])
        {
            int end = link.IndexOf('>', StringComparison.Ordinal);
            if (link.TrimStart().StartsWith('<') && end > 0 && link[end..].Contains("rel=\"next\"", StringComparison.OrdinalIgnoreCase))
            {
                Uri next = new(uri, link[(link.IndexOf('<', StringComparison.Ordinal) + 1)..end]);
                return next.Scheme == _endpoint.Scheme && next.Authority == _endpoint.Authority ? next
                    : throw new HubException($"the hub's listing goes on at another host, {next.Authority}");
            }
        }

        return null;
    }
}
