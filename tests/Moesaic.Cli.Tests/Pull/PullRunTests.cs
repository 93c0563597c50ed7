using Moesaic.Cli.Pull;
using Moesaic.TestSupport;

namespace Moesaic.Cli.Tests.Pull;

/// <summary>Pulls from a hub that cuts, lies and forgets.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class PullRunTests : IDisposable
{
    private static readonly PullTuning s_hasty = new() { Pause = TimeSpan.Zero, MaxAttempts = 3, Stall = TimeSpan.FromSeconds(30), FreeSpace = static _ => null };

    private readonly ScriptedHub _hub = new();
    private readonly TemporaryFolder _folder = new();

    public void Dispose()
    {
        _hub.Dispose();
        _folder.Dispose();
    }

    [Test]
    public async Task What_running_a_model_takes_is_fetched_and_nothing_else()
    {
        byte[] weights = _hub.Add("model.safetensors", 300_000, isLarge: true);
        byte[] config = _hub.Add("config.json", 700);
        _hub.Add("tokenizer.json", 0);
        _hub.Add("1_Pooling/config.json", 20);
        _hub.Add("README.md", 10);
        _hub.Add("pytorch_model.bin", 50, isLarge: true);
        _hub.Add("onnx/model.safetensors", 50, isLarge: true);
        PullRun.Result result = await PullAsync();
        Assert.That(result.Files.Select(static f => f.File.Path), Is.EquivalentTo(new[] { "model.safetensors", "config.json", "tokenizer.json", "1_Pooling/config.json" }));
        Assert.That(result.Files.All(static f => f.State == DownloadState.Downloaded));
        Assert.That(result.Commit, Is.EqualTo(ScriptedHub.Commit));
        Assert.That(result.ModelPath, Is.EqualTo(Target("")[..^1]));
        Assert.That(await File.ReadAllBytesAsync(Target("model.safetensors")), Is.EqualTo(weights));
        Assert.That(await File.ReadAllBytesAsync(Target("config.json")), Is.EqualTo(config));
        Assert.That(Files(), Is.EquivalentTo(new[] { "model.safetensors", "config.json", "tokenizer.json", "1_Pooling/config.json" }), "no part and no marker is left");

        int asked = _hub.ContentRequests.Count();
        await File.WriteAllBytesAsync(Target("config.json"), new byte[700]);
        result = await PullAsync();
        Assert.That(_hub.ContentRequests.Count() - asked, Is.EqualTo(1), "only what is not as it should be comes again");
        Assert.That(result.Files.Single(static f => f.State == DownloadState.Downloaded).File.Path, Is.EqualTo("config.json"));
        Assert.That(await File.ReadAllBytesAsync(Target("config.json")), Is.EqualTo(config));
    }

    [Test]
    public async Task A_transfer_that_is_cut_again_and_again_goes_on_where_it_was()
    {
        byte[] content = _hub.Add("a.gguf", 500_000, isLarge: true);
        _hub.Script = request => request.Path.Contains("/resolve/", StringComparison.Ordinal) && request.RangeBegin < 400_000
            ? _hub.Content(request) with { CutAfter = 90_000 }
            : null;
        PullRun.Result result = await PullAsync();
        Assert.That(await File.ReadAllBytesAsync(Target("a.gguf")), Is.EqualTo(content));
        Assert.That(result.Files.Single().State, Is.EqualTo(DownloadState.Resumed));
        Assert.That(result.ModelPath, Is.EqualTo(Target("a.gguf")));
        Assert.That(_hub.ContentRequests.Select(static r => r.RangeBegin), Is.EqualTo(new[] { 0, 90_000, 180_000, 270_000, 360_000, 450_000 }));
        Assert.That(_hub.ContentRequests.Skip(1).All(r => r.Header("If-Range") == _hub.TagOf("a.gguf")));
    }

    [Test]
    public async Task What_is_given_up_leaves_a_part_that_the_next_pull_takes_up()
    {
        byte[] content = _hub.Add("a.gguf", 500_000, isLarge: true);
        _hub.Script = request => !request.Path.Contains("/resolve/", StringComparison.Ordinal) ? null
            : request.RangeBegin == 0 ? _hub.Content(request) with { CutAfter = 200_000 } : HubAnswer.Empty(503);
        Assert.That(() => PullAsync(), Throws.TypeOf<HubException>().With.Message.Contains("503"));
        Assert.That(File.Exists(Target("a.gguf")), Is.False);
        Assert.That(Files(), Does.Contain(ModelCache.Marker));
        Assert.That(Files().Single(static f => f.EndsWith(".part", StringComparison.Ordinal) && !f.Contains(".tag", StringComparison.Ordinal)), Does.StartWith("a.gguf."));
        _hub.Script = static _ => null;
        PullRun.Result result = await PullAsync();
        Assert.That(_hub.ContentRequests.Last().RangeBegin, Is.EqualTo(200_000));
        Assert.That(result.Files.Single().State, Is.EqualTo(DownloadState.Resumed));
        Assert.That(await File.ReadAllBytesAsync(Target("a.gguf")), Is.EqualTo(content));
        Assert.That(Files(), Is.EqualTo(new[] { "a.gguf" }));
    }

    [TestCase("ignores")]
    [TestCase("refuses")]
    [TestCase("lies")]
    public async Task A_host_that_does_no_ranges_sends_all_anew(string kind)
    {
        byte[] content = _hub.Add("a.gguf", 300_000, isLarge: true);
        bool wasCut = false;
        bool misbehaved = false;
        _hub.Script = request =>
        {
            if (!request.Path.Contains("/resolve/", StringComparison.Ordinal))
            {
                return null;
            }

            if (!wasCut)
            {
                wasCut = true;
                return _hub.Content(request) with { CutAfter = 100_000 };
            }

            if (request.RangeBegin == 0 || misbehaved)
            {
                return null;
            }

            misbehaved = true;
            return kind switch
            {
                "ignores" => _hub.Content(request, ignoreRange: true),
                "refuses" => HubAnswer.Empty(416),
                _ => new HubAnswer(206, ["Content-Range: bytes 5-299999/300000"], content[5..]),
            };
        };
        await PullAsync();
        Assert.That(misbehaved);
        Assert.That(await File.ReadAllBytesAsync(Target("a.gguf")), Is.EqualTo(content));
    }

    [Test]
    public async Task A_part_whose_bytes_are_wrong_is_thrown_away()
    {
        byte[] content = _hub.Add("a.gguf", 300_000, isLarge: true);
        _hub.Script = request => request.Path.Contains("/resolve/", StringComparison.Ordinal) ? _hub.Content(request) with { CutAfter = request.RangeBegin == 0 ? 100_000 : 0 } : null;
        Assert.That(() => PullAsync(), Throws.TypeOf<HubException>());
        string part = Directory.EnumerateFiles(Target("")).Single(static f => f.EndsWith(".part", StringComparison.Ordinal) && !f.Contains(".tag", StringComparison.Ordinal));
        await File.WriteAllBytesAsync(part, new byte[100_000]);
        _hub.Script = static _ => null;
        await PullAsync();
        Assert.That(await File.ReadAllBytesAsync(Target("a.gguf")), Is.EqualTo(content));
    }

    [TestCase(true)]
    [TestCase(false)]
    public void Wrong_content_never_gets_the_files_name(bool isLarge)
    {
        byte[] content = _hub.Add("model.safetensors", 100_000, isLarge);
        _hub.Add("config.json", 5);
        byte[] wrong = [.. content];
        wrong[50_000] ^= 1;
        _hub.Script = request => request.Path.EndsWith("model.safetensors", StringComparison.Ordinal) ? new HubAnswer(200, [], wrong) : null;
        Assert.That(() => PullAsync(), Throws.TypeOf<HubException>().With.Message.Contains("checksum"));
        Assert.That(File.Exists(Target("model.safetensors")), Is.False);
    }

    [Test]
    public void More_or_fewer_bytes_than_listed_are_refused()
    {
        byte[] content = _hub.Add("a.gguf", 1000, isLarge: true);
        _hub.Script = request => request.Path.Contains("/resolve/", StringComparison.Ordinal) ? new HubAnswer(200, [], [.. content, 1]) : null;
        Assert.That(() => PullAsync(), Throws.TypeOf<HubException>().With.Message.Contains("1001 bytes"));
        _hub.Script = request => request.Path.Contains("/resolve/", StringComparison.Ordinal) ? new HubAnswer(200, [], content[1..]) : null;
        Assert.That(() => PullAsync(), Throws.TypeOf<HubException>().With.Message.Contains("999 bytes"));
        Assert.That(File.Exists(Target("a.gguf")), Is.False);
    }

    [Test]
    public async Task The_token_goes_to_the_hub_and_to_nobody_else()
    {
        byte[] content = _hub.Add("a.gguf", 1000, isLarge: true);
        using ScriptedHub store = new();
        store.Script = _ => new HubAnswer(200, [], content);
        _hub.Script = request => request.Path.Contains("/resolve/", StringComparison.Ordinal) ? HubAnswer.Empty(302, $"Location: {store.Address}blob?signature=x") : null;
        await PullAsync(token: "hf_secret");
        Assert.That(await File.ReadAllBytesAsync(Target("a.gguf")), Is.EqualTo(content));
        Assert.That(_hub.Requests.All(static r => r.Header("Authorization") == "Bearer hf_secret"));
        Assert.That(store.Requests.Select(static r => r.Header("Authorization")), Is.EqualTo(new string?[] { null }));
    }

    [Test]
    public void Redirections_without_end_and_to_other_schemes_are_refused()
    {
        _hub.Add("a.gguf", 1000, isLarge: true);
        _hub.Script = request => request.Path.Contains("/resolve/", StringComparison.Ordinal) ? HubAnswer.Empty(302, $"Location: {request.Path}") : null;
        Assert.That(() => PullAsync(), Throws.TypeOf<HubException>().With.Message.Contains("redirects"));
        _hub.Script = static request => request.Path.Contains("/resolve/", StringComparison.Ordinal) ? HubAnswer.Empty(302, "Location: file:///etc/passwd") : null;
        Assert.That(() => PullAsync(), Throws.TypeOf<HubException>().With.Message.Contains("file://"));
    }

    [TestCase("../evil.gguf")]
    [TestCase("a/../../evil.gguf")]
    [TestCase("/etc/evil.gguf")]
    [TestCase("a\\\\..\\\\evil.gguf")]
    [TestCase("c:evil.gguf")]
    [TestCase("a//evil.gguf")]
    [TestCase("evil\\u0000.gguf")]
    [TestCase("evil.gguf.0123.part")]
    [TestCase(".moesaic-pull")]
    public void Paths_that_lead_elsewhere_are_refused_before_anything_is_written(string path)
    {
        _hub.Add("a.gguf", 10, isLarge: true);
        _hub.EditListing = listing => listing.Replace("\"a.gguf\"", $"\"{path}\"", StringComparison.Ordinal);
        Assert.That(() => PullAsync(), Throws.TypeOf<HubException>().With.Message.Contains("nothing was written"));
        Assert.That(Directory.Exists(Target("")), Is.False);
        Assert.That(_hub.ContentRequests, Is.Empty);
    }

    [TestCase("{}", "no array")]
    [TestCase("[1]", "no object")]
    [TestCase("[{\"type\":\"file\",\"path\":\"a.gguf\",\"oid\":\"zz\",\"size\":5}]", "checksum")]
    [TestCase("[{\"type\":\"file\",\"path\":\"a.gguf\",\"oid\":\"0123456789abcdef0123456789abcdef01234567\",\"size\":-5}]", "size")]
    [TestCase("[{\"type\":\"file\",\"path\":\"\\ud800\",\"oid\":\"0123456789abcdef0123456789abcdef01234567\",\"size\":5}]", "surrogate")]
    [TestCase("<html>", "no JSON")]
    public void Listings_that_are_none_are_refused(string listing, string problem)
    {
        _hub.EditListing = _ => listing;
        Assert.That(() => PullAsync(), Throws.TypeOf<HubException>().With.Message.Contains(problem));
    }

    [Test]
    public async Task Listings_go_on_over_pages_of_the_same_host()
    {
        _hub.Add("a.gguf", 10, isLarge: true);
        _hub.Script = request => request.Path.EndsWith("recursive=true", StringComparison.Ordinal)
            ? HubAnswer.Json("[]", $"Link: <{_hub.Address}api/models/{ScriptedHub.Repository}/tree/{ScriptedHub.Commit}?cursor=2>; rel=\"next\"")
            : null;
        Assert.That((await PullAsync()).Files, Has.Count.EqualTo(1));
        _hub.Script = static request => request.Path.EndsWith("recursive=true", StringComparison.Ordinal) ? HubAnswer.Json("[]", "Link: <http://127.0.0.2:1/x>; rel=\"next\"") : null;
        Assert.That(() => PullAsync(), Throws.TypeOf<HubException>().With.Message.Contains("another host"));
    }

    [TestCase(401, "401", "HF_TOKEN")]
    [TestCase(403, "403", "HF_TOKEN")]
    [TestCase(404, "404", "revision")]
    [TestCase(418, "418", "acme/tiny")]
    public void Refusals_say_what_to_do(int status, string first, string second)
    {
        _hub.Script = _ => HubAnswer.Empty(status);
        Assert.That(() => PullAsync(), Throws.TypeOf<HubException>().With.Message.Contains(first).And.Message.Contains(second));
        Assert.That(_hub.Requests, Has.Count.EqualTo(1), "asking again would not help");
    }

    [Test]
    public async Task A_busy_hub_is_asked_again()
    {
        _hub.Add("a.gguf", 10, isLarge: true);
        HashSet<string> seen = [];
        _hub.Script = request =>
        {
            lock (seen)
            {
                return seen.Add(request.Path) ? HubAnswer.Empty(429, "Retry-After: 0") : null;
            }
        };
        Assert.That((await PullAsync()).Files, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task A_silent_connection_is_given_up_and_tried_again()
    {
        byte[] content = _hub.Add("a.gguf", 100_000, isLarge: true);
        _hub.Script = request => request.Path.Contains("/resolve/", StringComparison.Ordinal) && request.RangeBegin == 0 ? _hub.Content(request) with { StopAfter = 60_000 } : null;
        await PullAsync(tuning: s_hasty with { Stall = TimeSpan.FromMilliseconds(400) });
        Assert.That(await File.ReadAllBytesAsync(Target("a.gguf")), Is.EqualTo(content));
    }

    [Test]
    public void Too_little_space_is_told_before_anything_is_fetched()
    {
        _hub.Add("a.gguf", 1_000_000, isLarge: true);
        Assert.That(() => PullAsync(tuning: s_hasty with { FreeSpace = static _ => 500_000 }), Throws.TypeOf<HubException>().With.Message.Contains("are free"));
        Assert.That(_hub.ContentRequests, Is.Empty);
        Assert.That(Directory.Exists(Target("")), Is.False);
    }

    [Test]
    public void The_token_is_not_sent_in_the_clear()
    {
        Assert.That(() => new HubClient(new Uri("http://hub.example"), "t", TimeSpan.FromSeconds(1)), Throws.TypeOf<UsageException>());
    }

    private async Task<PullRun.Result> PullAsync(string name = ScriptedHub.Repository, string? token = null, PullTuning? tuning = null)
    {
        Assert.That(HubName.TryParse(name, out HubName parsed));
        using HubClient client = new(_hub.Address, token, (tuning ?? s_hasty).Stall);
        using PullProgress progress = new(null, TimeProvider.System);
        PullRun run = new(client, parsed, Target("")[..^1], [], progress, tuning ?? s_hasty);
        return await run.RunAsync(CancellationToken.None);
    }

    private string Target(string path) => _folder.Combine("models") + Path.DirectorySeparatorChar + path;

    private IEnumerable<string> Files() => Directory.EnumerateFiles(Target(""), "*", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(Target(""), f));
}
