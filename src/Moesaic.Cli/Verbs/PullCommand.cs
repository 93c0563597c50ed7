using System.Diagnostics;
using Moesaic.Cli.Hosting;
using Moesaic.Cli.Output;
using Moesaic.Cli.Pull;

namespace Moesaic.Cli.Verbs;

internal static class PullCommand
{
    private const string DefaultEndpoint = "https://huggingface.co";
    private const int MaxToken = 1024;

    public static async Task<int> RunAsync(PullOptions options, Terminal terminal, CancellationToken cancellationToken)
    {
        HubName name = Name(options);
        string folder = options.Output is { } output ? Path.GetFullPath(output) : ModelCache.FolderOf(name, Environment.GetEnvironmentVariable);
        PullTuning tuning = new();
        long started = Stopwatch.GetTimestamp();
        using HubClient client = new(Endpoint(options), Token(options), tuning.Stall);
        using PullProgress progress = new(terminal, TimeProvider.System);
        PullRun run = new(client, name, folder, RepeatedValues.Split(options.Include), progress, tuning);
        PullRun.Result result = await run.RunAsync(cancellationToken).ConfigureAwait(false);
        progress.Dispose();
        terminal.Output.WriteLine(options.Json ? Json(name, result, folder, progress.Transferred, Stopwatch.GetElapsedTime(started)) : result.ModelPath);
        return ExitCodes.Success;
    }

    private static HubName Name(PullOptions options)
    {
        string text = options.Name.ToArray() is [var one] ? one : throw new UsageException("name one model: moesaic pull owner/repo");
        if (!HubName.TryParse(text, out HubName name))
        {
            throw new UsageException($"'{text}' is no model's name; expected owner/repo, owner/repo:Q4_K_M or owner/repo/file.gguf");
        }

        if (options.Revision is not { } revision)
        {
            return name;
        }

        return name.Revision is not null ? throw new UsageException($"'{text}' and --revision both name a revision")
            : HubName.IsRevision(revision) ? name with { Revision = revision }
            : throw new UsageException($"--revision is '{revision}'; expected a branch, tag or commit");
    }

    private static Uri Endpoint(PullOptions options)
    {
        string text = options.Endpoint ?? Variable("HF_ENDPOINT") ?? DefaultEndpoint;
        return Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) ? uri : throw new UsageException($"the hub's address is '{text}'; expected https://HOST");
    }

    private static string? Token(PullOptions options)
    {
        string? token = (options.Token ?? Variable("HF_TOKEN"))?.Trim();
        return token is null or { Length: > 0 and <= MaxToken } && token?.All(static c => c is > ' ' and < '\x7f') != false
            ? token
            : throw new UsageException("the token is empty or has characters that no token has");
    }

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;

    private static string Json(HubName name, PullRun.Result result, string folder, long transferred, TimeSpan time) => JsonText.Object(writer =>
    {
        writer.WriteString("name", name.Id);
        writer.WriteString("revision", name.Revision ?? "main");
        writer.WriteString("commit", result.Commit);
        writer.WriteString("folder", folder);
        writer.WriteString("model", result.ModelPath);
        writer.WriteStartArray("files");
        foreach ((HubFile file, DownloadState state) in result.Files)
        {
            writer.WriteStartObject();
            writer.WriteString("path", file.Path);
            writer.WriteNumber("bytes", file.Size);
            writer.WriteString(file.IsSha256 ? "sha256" : "git_oid", file.Oid);
            writer.WriteString("state", state switch { DownloadState.Present => "present", DownloadState.Resumed => "resumed", _ => "downloaded" });
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteNumber("bytes", result.Files.Sum(static f => f.File.Size));
        writer.WriteNumber("bytes_transferred", transferred);
        writer.WriteFinite("seconds", time.TotalSeconds);
    });
}
