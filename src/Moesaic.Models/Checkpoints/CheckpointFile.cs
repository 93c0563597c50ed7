namespace Moesaic.Models.Checkpoints;

/// <summary>One file of a checkpoint: its path, the length that its header was checked against, and its mapping, made on first use.</summary>
public sealed class CheckpointFile : IDisposable
{
    private readonly IFileMapper _mapper;
    private readonly Lock _lock = new();
    private IFileMapping? _mapping;
    private bool _disposed;

    internal CheckpointFile(string path, long length, IFileMapper? mapper = null)
    {
        Path = path;
        Length = length;
        _mapper = mapper ?? ManagedFileMapper.Instance;
    }

    /// <summary>Path of the file as it was opened.</summary>
    public string Path { get; }

    /// <summary>Length in bytes when the header was read; every tensor was checked to lie inside it.</summary>
    public long Length { get; }

    /// <summary>The mapping, made on first use by whichever thread comes first.</summary>
    /// <exception cref="ModelFormatException">The file cannot be mapped, or is no longer as long as when it was checked.</exception>
    internal IFileMapping Mapping
    {
        get
        {
            lock (_lock)
            {
                ObjectDisposedException.ThrowIf(_disposed, this);
                return _mapping ??= Map();
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            _mapping?.Dispose();
            _mapping = null;
        }
    }

    private IFileMapping Map()
    {
        IFileMapping mapping;
        try
        {
            mapping = _mapper.Map(Path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ModelFormatException(Path, "file", $"it cannot be mapped into memory: {e.Message}", e);
        }

        if (mapping.Length == Length)
        {
            return mapping;
        }

        long found = mapping.Length;
        mapping.Dispose();
        throw new ModelFormatException(Path, "file", $"its length changed from {Length} to {found} bytes since its header was read; do not replace a model while it loads.");
    }
}
