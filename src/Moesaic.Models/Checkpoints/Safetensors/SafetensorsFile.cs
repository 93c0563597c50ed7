using System.Diagnostics.CodeAnalysis;

namespace Moesaic.Models.Checkpoints.Safetensors;

/// <summary>One safetensors file.</summary>
public sealed class SafetensorsFile : ICheckpoint
{
    private readonly CheckpointFile _file;
    private readonly Dictionary<string, CheckpointTensor> _byName = new(StringComparer.Ordinal);

    private SafetensorsFile(string path, long length, SafetensorsHeader header, IFileMapper mapper)
    {
        _file = new CheckpointFile(path, length, mapper);
        Metadata = header.Metadata;
        foreach (SafetensorsEntry entry in header.Tensors)
        {
            _byName.Add(entry.Name, new CheckpointTensor(entry.Name, entry.Format, [.. entry.Shape], entry.ElementCount, entry.End - entry.Begin, header.DataStart + entry.Begin, _file));
        }

        Tensors = [.. _byName.Values];
    }

    /// <inheritdoc/>
    public string Path => _file.Path;

    /// <summary>The free-form <c>__metadata__</c> strings.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <inheritdoc/>
    public IReadOnlyList<CheckpointFile> Files => [_file];

    /// <inheritdoc/>
    public IReadOnlyList<CheckpointTensor> Tensors { get; }

    /// <summary>Reads and checks the header. The data is mapped on first use.</summary>
    /// <exception cref="ModelFormatException">The file is missing, unreadable, or anything in its header is wrong.</exception>
    public static SafetensorsFile Open(string path) => Open(path, ManagedFileMapper.Instance);

    internal static SafetensorsFile Open(string path, IFileMapper mapper)
    {
        try
        {
            using Stream stream = RegularFile.OpenRead(path);
            return new SafetensorsFile(path, stream.Length, SafetensorsHeaderParser.Parse(stream, path), mapper);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ModelFormatException(path, "file", $"it cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Reads a header from any seekable stream; the tensors' data cannot be reached through the result.</summary>
    /// <exception cref="ModelFormatException">Anything in the header is wrong.</exception>
    public static SafetensorsFile Parse(Stream stream, string file)
    {
        ArgumentNullException.ThrowIfNull(stream);
        return new SafetensorsFile(file, stream.Length, SafetensorsHeaderParser.Parse(stream, file), ManagedFileMapper.Instance);
    }

    /// <inheritdoc/>
    public bool TryGetTensor(string name, [NotNullWhen(true)] out CheckpointTensor? tensor) => _byName.TryGetValue(name, out tensor);

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();
}
