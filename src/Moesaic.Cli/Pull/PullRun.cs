namespace Moesaic.Cli.Pull;

/// <summary>Fetches a model into a folder: lists it, chooses files, checks the space, fetches several at a time.</summary>
internal sealed class PullRun(HubClient client, HubName name, string folder, IReadOnlyList<string> include, PullProgress progress, PullTuning tuning)
{
    // Left free for everything else on the disk.
    private const long SpareBytes = 64L << 20;

    /// <summary>What was fetched.</summary>
    /// <param name="Commit">The commit that all files are of.</param>
    /// <param name="Files">The files, with how each came to be there.</param>
    /// <param name="ModelPath">What to give to <c>--model</c>: the folder, or the GGUF file.</param>
    public sealed record Result(string Commit, IReadOnlyList<(HubFile File, DownloadState State)> Files, string ModelPath);

    /// <exception cref="HubException">Something is refused, wrong or missing; what has come so far stays and is gone on with.</exception>
    /// <exception cref="IOException">A file cannot be written.</exception>
    public async Task<Result> RunAsync(CancellationToken cancellationToken)
    {
        string commit = await AskAsync(() => client.CommitAsync(name, cancellationToken), cancellationToken).ConfigureAwait(false);
        IReadOnlyList<HubFile> listed = await AskAsync(() => client.FilesAsync(name, commit, cancellationToken), cancellationToken).ConfigureAwait(false);
        HashSet<string> chosen = [.. FileSelection.Choose(name, [.. listed.Select(static f => f.Path)], include)];
        HubFile[] files = [.. listed.Where(file => chosen.Contains(file.Path))];
        progress.Total = files.Aggregate(0L, static (sum, file) => checked(sum + file.Size));
        CheckSpace(files);

        Directory.CreateDirectory(folder);
        string marker = Path.Combine(folder, ModelCache.Marker);
        await File.WriteAllTextAsync(marker, $"{name.Id} {commit}\n", cancellationToken).ConfigureAwait(false);
        DownloadState[] states = await FetchAsync(commit, files, cancellationToken).ConfigureAwait(false);
        File.Delete(marker);
        return new Result(commit, [.. files.Zip(states)], ModelPath(files));
    }

    private async Task<DownloadState[]> FetchAsync(string commit, HubFile[] files, CancellationToken cancellationToken)
    {
        DownloadState[] states = new DownloadState[files.Length];
        await Parallel.ForAsync(
            0,
            files.Length,
            new ParallelOptions { MaxDegreeOfParallelism = tuning.Parallel, CancellationToken = cancellationToken },
            async (i, cancellation) =>
            {
                HubFile file = files[i];
                string target = Path.Combine(folder, file.Path.Replace('/', Path.DirectorySeparatorChar));
                using FileDownload download = new(client, name, client.ContentOf(name, commit, file.Path), file, target, progress, tuning);
                states[i] = await download.RunAsync(cancellation).ConfigureAwait(false);
                if (states[i] != DownloadState.Present)
                {
                    progress.Say($"{file.Path}, {PullProgress.Bytes(file.Size)}{(states[i] == DownloadState.Resumed ? ", gone on with" : "")}");
                }
            }).ConfigureAwait(false);
        return states;
    }

    private void CheckSpace(HubFile[] files)
    {
        long needed = 0;
        foreach (HubFile file in files)
        {
            string target = Path.Combine(folder, file.Path);
            FileInfo part = new(PartialFile.Of(target, file));
            FileInfo whole = new(target);
            long there = whole.Exists && whole.Length == file.Size ? file.Size : part.Exists ? Math.Min(part.Length, file.Size) : 0;
            needed += file.Size - there;
        }

        if (tuning.FreeSpace(Existing(folder)) is { } free && needed > 0 && needed + SpareBytes > free)
        {
            throw new HubException($"{name.Id} needs {PullProgress.Bytes(needed)} more in {folder}, where {PullProgress.Bytes(free)} are free; nothing was fetched. Free some, or name another place with --output or {ModelCache.Variable}");
        }
    }

    // The nearest folder that exists already: its disk is that of what is made in it.
    private static string Existing(string folder)
    {
        string? existing = Path.GetFullPath(folder);
        while (existing is not null && !Directory.Exists(existing))
        {
            existing = Path.GetDirectoryName(existing);
        }

        return existing ?? folder;
    }

    private string ModelPath(HubFile[] files)
    {
        string[] ggufs = [.. files.Select(static f => f.Path).Where(static p => p.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase)).Order(StringComparer.Ordinal)];
        return include.Count == 0 && ggufs.Length > 0 && ggufs.Length == files.Length ? Path.Combine(folder, ggufs[0]) : folder;
    }

    private async Task<T> AskAsync<T>(Func<Task<T>> ask, CancellationToken cancellationToken)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                return await ask().ConfigureAwait(false);
            }
            catch (TransferException e)
            {
                if (attempt >= tuning.MaxAttempts)
                {
                    throw new HubException(e.Message, e);
                }

                await Task.Delay(tuning.Pause * (1 << (attempt - 1)), cancellationToken).ConfigureAwait(false);
            }
        }
    }
}
