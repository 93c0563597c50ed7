using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace Moesaic.Cli.Tests.Pull;

/// <summary>A request as it came.</summary>
internal sealed record HubRequest(string Path, IReadOnlyDictionary<string, string> Headers)
{
    public string? Header(string name) => Headers.GetValueOrDefault(name);

    /// <summary>Where the asked range begins; 0: there is none.</summary>
    public int RangeBegin => Header("Range") is { } range ? int.Parse(range["bytes=".Length..].TrimEnd('-'), CultureInfo.InvariantCulture) : 0;
}

/// <summary>What is sent.</summary>
/// <param name="Status">Of the response.</param>
/// <param name="Headers">Besides the length.</param>
/// <param name="Body">The whole body.</param>
internal sealed record HubAnswer(int Status, string[] Headers, byte[] Body)
{
    /// <summary>Bytes of the body after which the connection is reset; null: never.</summary>
    public int? CutAfter { get; init; }

    /// <summary>Bytes of the body after which nothing comes any more, until the client goes.</summary>
    public int? StopAfter { get; init; }

    public static HubAnswer Json(string json, params string[] headers) => new(200, ["Content-Type: application/json", .. headers], Encoding.UTF8.GetBytes(json));

    public static HubAnswer Empty(int status, params string[] headers) => new(status, headers, []);
}

/// <summary>A hub on a free port of this machine, with one repository, that misbehaves as a test says.</summary>
internal sealed class ScriptedHub : IDisposable
{
    public const string Commit = "0123456789abcdef0123456789abcdef01234567";
    public const string Repository = "acme/tiny";

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stopping = new();
    private readonly SortedDictionary<string, (byte[] Content, bool IsLarge)> _files = new(StringComparer.Ordinal);

    public ScriptedHub()
    {
        _listener.Start();
        _ = AcceptAsync();
    }

    public Uri Address => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");

    /// <summary>All that was asked, in order.</summary>
    public ConcurrentQueue<HubRequest> Requests { get; } = [];

    /// <summary>Answers before the hub does; null: the hub does.</summary>
    public Func<HubRequest, HubAnswer?> Script { get; set; } = static _ => null;

    /// <summary>What the listing says in place of the truth.</summary>
    public Func<string, string> EditListing { get; set; } = static listing => listing;

    public IEnumerable<HubRequest> ContentRequests => Requests.Where(static r => r.Path.Contains("/resolve/", StringComparison.Ordinal));

    /// <summary>Adds a file; large ones have a SHA-256.</summary>
    public byte[] Add(string path, int size, bool isLarge = false)
    {
        byte[] content = new byte[size];
        new Random(path.Length + size).NextBytes(content);
        Add(path, content, isLarge);
        return content;
    }

    /// <summary>Adds a file of known content.</summary>
    public void Add(string path, byte[] content, bool isLarge = false) => _files[path] = (content, isLarge);

    /// <summary>The answer to a request for content, ranges and conditions included.</summary>
    public HubAnswer Content(HubRequest request, bool ignoreRange = false)
    {
        string path = Uri.UnescapeDataString(request.Path.Split($"/resolve/{Commit}/")[1]);
        byte[] content = _files[path].Content;
        string tag = TagOf(path);
        int begin = request.Header("If-Range") is { } condition && condition != tag ? 0 : request.RangeBegin;
        return begin == 0 || ignoreRange
            ? new HubAnswer(200, [$"ETag: {tag}"], content)
            : begin >= content.Length
                ? HubAnswer.Empty(416, $"Content-Range: bytes */{content.Length}")
                : new HubAnswer(206, [$"ETag: {tag}", $"Content-Range: bytes {begin}-{content.Length - 1}/{content.Length}"], content[begin..]);
    }

    public string TagOf(string path) => $"\"{Convert.ToHexStringLower(SHA256.HashData(_files[path].Content))}\"";

    public void Dispose()
    {
        _stopping.Cancel();
        _listener.Dispose();
        _stopping.Dispose();
    }

    private HubAnswer Answer(HubRequest request)
    {
        string path = request.Path.Split('?')[0];
        return path.StartsWith($"/api/models/{Repository}/revision/", StringComparison.Ordinal) ? HubAnswer.Json($$"""{"id":"{{Repository}}","sha":"{{Commit}}"}""")
            : path == $"/api/models/{Repository}/tree/{Commit}" ? HubAnswer.Json(EditListing(Listing()))
            : path.StartsWith($"/{Repository}/resolve/{Commit}/", StringComparison.Ordinal) && _files.ContainsKey(Uri.UnescapeDataString(path.Split($"/resolve/{Commit}/")[1])) ? Content(request)
            : HubAnswer.Empty(404);
    }

    private string Listing() => "[{\"type\":\"directory\",\"path\":\"sub\",\"oid\":\"x\",\"size\":0}" + string.Concat(_files.Select(static file =>
    {
        (byte[] content, bool isLarge) = file.Value;
        byte[] blob = [.. Encoding.ASCII.GetBytes(FormattableString.Invariant($"blob {content.Length}\0")), .. content];
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
        hash.AppendData(blob);
        string git = Convert.ToHexStringLower(hash.GetHashAndReset());
        string large = isLarge ? FormattableString.Invariant($",\"lfs\":{{\"oid\":\"{Convert.ToHexStringLower(SHA256.HashData(content))}\",\"size\":{content.Length},\"pointerSize\":135}}") : "";
        return FormattableString.Invariant($",{{\"type\":\"file\",\"path\":\"{file.Key}\",\"oid\":\"{git}\",\"size\":{content.Length}{large}}}");
    })) + "]";

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                Socket socket = await _listener.AcceptSocketAsync(_stopping.Token);
                _ = ServeAsync(socket);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        using NetworkStream stream = new(socket, ownsSocket: true);
        try
        {
            while (await ReadRequestAsync(stream) is { } request)
            {
                Requests.Enqueue(request);
                HubAnswer answer = Script(request) ?? Answer(request);
                string head = FormattableString.Invariant($"HTTP/1.1 {answer.Status} X\r\nContent-Length: {answer.Body.Length}\r\n")
                    + string.Concat(answer.Headers.Select(static h => h + "\r\n")) + "\r\n";
                await stream.WriteAsync(Encoding.ASCII.GetBytes(head), _stopping.Token);
                await stream.WriteAsync(answer.Body.AsMemory(0, answer.CutAfter ?? answer.StopAfter ?? answer.Body.Length), _stopping.Token);
                if (answer.StopAfter is not null)
                {
                    await stream.ReadAtLeastAsync(new byte[1], 1, throwOnEndOfStream: false, _stopping.Token);
                    return;
                }

                if (answer.CutAfter is not null)
                {
                    // What was sent arrives, then the end comes.
                    socket.Shutdown(SocketShutdown.Both);
                    return;
                }
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The client went, or the test is over.
        }
    }

    private async Task<HubRequest?> ReadRequestAsync(NetworkStream stream)
    {
        List<byte> head = [];
        byte[] one = new byte[1];
        while (head.Count < 4 || !head[^4..].SequenceEqual("\r\n\r\n"u8.ToArray()))
        {
            if (await stream.ReadAsync(one, _stopping.Token) == 0)
            {
                return null;
            }

            head.Add(one[0]);
        }

        string[] lines = Encoding.ASCII.GetString([.. head]).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        return new HubRequest(lines[0].Split(' ')[1], lines[1..].Select(static l => l.Split(": ", 2)).ToDictionary(static p => p[0], static p => p[1], StringComparer.OrdinalIgnoreCase));
    }
}
