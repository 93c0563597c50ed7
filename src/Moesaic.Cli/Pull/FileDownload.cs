using System.Net;
using System.Net.Http.Headers;

namespace Moesaic.Cli.Pull;

/// <summary>How a file came to be there.</summary>
internal enum DownloadState
{
    /// <summary>It was there already, with the right checksum.</summary>
    Present,
    Downloaded,

    /// <summary>A part was there already.</summary>
    Resumed,
}

/// <summary>
/// Fetches one file. What has come lies in a part beside the target, whatever happens; only what is whole and has the right
/// checksum gets the target's name.
/// </summary>
internal sealed class FileDownload(HubClient client, HubName name, Uri uri, HubFile file, string target, PullProgress progress, PullTuning tuning) : IDisposable
{
    private const int BufferBytes = 1 << 18;
    private const int NoSpace = 28;
    private const int NoSpaceOnWindows = unchecked((int)0x80070070);

    private readonly ContentHash _hash = new(file);
    private readonly string _partPath = PartialFile.Of(target, file);
    private readonly string _tagPath = PartialFile.TagOf(target, file);
    private long _have;
    private bool _resumed;

    /// <exception cref="HubException">The file cannot be fetched.</exception>
    /// <exception cref="IOException">It cannot be written.</exception>
    public async Task<DownloadState> RunAsync(CancellationToken cancellationToken)
    {
        if (await IsPresentAsync(cancellationToken).ConfigureAwait(false))
        {
            progress.Add(file.Size, isTransfer: false);
            return DownloadState.Present;
        }

        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        long most = -1;
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                await TransferAsync(cancellationToken).ConfigureAwait(false);
                return _resumed ? DownloadState.Resumed : DownloadState.Downloaded;
            }
            catch (TransferException e)
            {
                // Whoever sends something new each time is slow, not broken.
                attempt = _have > most ? 1 : attempt;
                most = Math.Max(most, _have);
                if (attempt >= tuning.MaxAttempts)
                {
                    throw new HubException($"{file.Path}: {e.Message} ({attempt} attempts in a row brought nothing); run again to go on from what is there", e);
                }

                TimeSpan pause = e.RetryAfter is { } asked && asked > TimeSpan.Zero && asked < TimeSpan.FromMinutes(5) ? asked : tuning.Pause * (1 << (attempt - 1));
                await Task.Delay(pause, cancellationToken).ConfigureAwait(false);
            }
            catch (IOException e) when (e.HResult is NoSpace or NoSpaceOnWindows)
            {
                throw new HubException($"{file.Path}: there is no space left; free {file.Size - _have} bytes and run again to go on from what is there", e);
            }
        }
    }

    public void Dispose() => _hash.Dispose();

    private async Task<bool> IsPresentAsync(CancellationToken cancellationToken)
    {
        FileInfo found = new(target);
        if (!found.Exists || found.Length != file.Size)
        {
            return false;
        }

        await using FileStream stream = new(target, FileMode.Open, FileAccess.Read, FileShare.Read, 1, FileOptions.SequentialScan);
        await _hash.AppendAsync(stream, cancellationToken).ConfigureAwait(false);
        return _hash.Matches();
    }

    private async Task TransferAsync(CancellationToken cancellationToken)
    {
        FileStream part = new(_partPath, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1);
        await using (part.ConfigureAwait(false))
        {
            await TakeUpAsync(part, cancellationToken).ConfigureAwait(false);
            long begin = _have;
            if (_have < file.Size)
            {
                await FetchAsync(part, cancellationToken).ConfigureAwait(false);
            }

            if (!_hash.Matches())
            {
                Restart(part);
                string problem = $"{file.Path}: its content has not the checksum that the hub states";
                throw begin > 0 ? new TransferException(problem) : new HubException(problem + "; it was thrown away");
            }

            part.Flush(flushToDisk: true);
        }

        File.Move(_partPath, target, overwrite: true);
        File.Delete(_tagPath);
    }

    private async Task TakeUpAsync(FileStream part, CancellationToken cancellationToken)
    {
        if (part.Length > file.Size)
        {
            part.SetLength(0);
        }

        _hash.Reset();
        part.Position = 0;
        await _hash.AppendAsync(part, cancellationToken).ConfigureAwait(false);
        progress.Add(part.Length - _have, isTransfer: false);
        _have = part.Length;
        _resumed |= _have > 0;
    }

    private async Task FetchAsync(FileStream part, CancellationToken cancellationToken)
    {
        using HttpResponseMessage response = await client.GetAsync(uri, AskForRest, cancellationToken).ConfigureAwait(false);
        switch (response.StatusCode)
        {
            case HttpStatusCode.PartialContent when _have > 0:
                ContentRangeHeaderValue? range = response.Content.Headers.ContentRange;
                if (range?.From != _have || (range.HasLength && range.Length != file.Size))
                {
                    Restart(part);
                    throw new TransferException($"{uri.Authority} sends another part than it was asked for");
                }

                break;
            case HttpStatusCode.OK:
                // The whole: the host does not do parts, or what it has is not what the part was of.
                Restart(part);
                if (response.Content.Headers.ContentLength is { } length && length != file.Size)
                {
                    throw new HubException($"{file.Path}: {uri.Authority} sends {length} bytes, its listing says {file.Size}");
                }

                break;
            case HttpStatusCode.RequestedRangeNotSatisfiable:
                Restart(part);
                throw new TransferException($"{uri.Authority} does not have the part that it was asked for (416)");
            default:
                throw client.Refusal(name, response, $"{file.Path} of {name.Id}");
        }

        if (_have == 0)
        {
            await File.WriteAllTextAsync(_tagPath, response.Headers.ETag is { IsWeak: false } tag ? tag.Tag : "", cancellationToken).ConfigureAwait(false);
        }

        await ReceiveAsync(response, part, cancellationToken).ConfigureAwait(false);
    }

    private void AskForRest(HttpRequestHeaders headers)
    {
        headers.AcceptEncoding.Add(new StringWithQualityHeaderValue("identity"));
        if (_have == 0)
        {
            return;
        }

        headers.Range = new RangeHeaderValue(_have, null);
        if (File.Exists(_tagPath) && EntityTagHeaderValue.TryParse(File.ReadAllText(_tagPath), out EntityTagHeaderValue? tag) && !tag.IsWeak)
        {
            headers.IfRange = new RangeConditionHeaderValue(tag);
        }
    }

    private async Task ReceiveAsync(HttpResponseMessage response, FileStream part, CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[BufferBytes];
        using CancellationTokenSource stall = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            await using Stream body = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
            while (true)
            {
                stall.CancelAfter(tuning.Stall);
                int count = await ReadAsync(body, buffer, stall.Token).ConfigureAwait(false);
                if (count == 0)
                {
                    break;
                }

                if (_have + count > file.Size)
                {
                    Restart(part);
                    throw new HubException($"{file.Path}: {uri.Authority} sends more than the {file.Size} bytes of its listing");
                }

                await part.WriteAsync(buffer.AsMemory(0, count), cancellationToken).ConfigureAwait(false);
                _hash.Append(buffer.AsSpan(0, count));
                _have += count;
                progress.Add(count, isTransfer: true);
            }
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TransferException($"{uri.Authority} is silent", cause: e);
        }

        if (_have < file.Size)
        {
            throw new TransferException($"the connection to {uri.Authority} ended after {_have} of {file.Size} bytes");
        }
    }

    // Failures of the network, told apart from those of the disk.
    private async Task<int> ReadAsync(Stream body, byte[] buffer, CancellationToken cancellationToken)
    {
        try
        {
            return await body.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            throw new TransferException($"the connection to {uri.Authority} broke off after {_have} of {file.Size} bytes", cause: e);
        }
    }

    private void Restart(FileStream part)
    {
        part.SetLength(0);
        part.Position = 0;
        _hash.Reset();
        progress.Add(-_have, isTransfer: false);
        _have = 0;
        _resumed = false;
    }
}
