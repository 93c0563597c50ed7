namespace Moesaic.Cli.Pull;

/// <summary>How patient a pull is; tests are not.</summary>
internal sealed record PullTuning
{
    /// <summary>Files at a time.</summary>
    public int Parallel { get; init; } = 4;

    /// <summary>Attempts in a row that bring nothing new before a file is given up.</summary>
    public int MaxAttempts { get; init; } = 6;

    /// <summary>The pause after the first attempt that brought nothing; doubles with each.</summary>
    public TimeSpan Pause { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long a connection may be silent.</summary>
    public TimeSpan Stall { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Bytes that are free where a folder is; null: not known.</summary>
    public Func<string, long?> FreeSpace { get; init; } = static folder =>
    {
        try
        {
            return new DriveInfo(folder).AvailableFreeSpace;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    };
}
