using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace Moesaic.Models.Checkpoints.Gguf;

/// <summary>
/// A model in GGUF form: metadata and tensors of one file, or of all parts where the model is split
/// (<c>NAME-00001-of-00003.gguf</c> and its siblings; any part may be named). Versions 2 and 3, little-endian.
/// </summary>
public sealed class GgufFile : ICheckpoint
{
    private readonly List<CheckpointFile> _files;
    private readonly Dictionary<string, CheckpointTensor> _byName;

    private GgufFile(string path, GgufMetadata metadata, uint version, List<CheckpointFile> files, Dictionary<string, CheckpointTensor> byName)
    {
        Path = path;
        Metadata = metadata;
        Version = version;
        _files = files;
        _byName = byName;
        Tensors = [.. byName.Values];
    }

    /// <inheritdoc/>
    public string Path { get; }

    /// <summary>The key-value part (of the first part where the model is split).</summary>
    public GgufMetadata Metadata { get; }

    /// <summary>Format version: 2 or 3.</summary>
    public uint Version { get; }

    /// <inheritdoc/>
    public IReadOnlyList<CheckpointFile> Files => _files;

    /// <inheritdoc/>
    public IReadOnlyList<CheckpointTensor> Tensors { get; }

    /// <summary>Reads and checks the header of the file and of its sibling parts. The data is mapped on first use.</summary>
    /// <exception cref="ModelFormatException">A file is missing, unreadable, or anything in a header is wrong.</exception>
    public static GgufFile Open(string path) => Open(path, ManagedFileMapper.Instance);

    internal static GgufFile Open(string path, IFileMapper mapper)
    {
        (GgufHeader header, long length) = ReadHeader(path);
        IReadOnlyList<string> parts = GgufSplit.PartsOf(path, header.Metadata);
        if (parts.Count == 1)
        {
            return Assemble(path, [new Part(path, length, header)], mapper);
        }

        List<Part> opened = [];
        for (int i = 0; i < parts.Count; i++)
        {
            (GgufHeader partHeader, long partLength) = ReadHeader(parts[i]);
            GgufSplit.CheckPart(parts[i], partHeader.Metadata, i, parts.Count);
            opened.Add(new Part(parts[i], partLength, partHeader));
        }

        GgufSplit.CheckTensorCount(opened[0].Header.Metadata, opened.Sum(p => (long)p.Header.Tensors.Count));
        return Assemble(path, opened, mapper);
    }

    /// <summary>Reads a header from any seekable stream; the tensors' data cannot be reached through the result.</summary>
    /// <exception cref="ModelFormatException">Anything in the header is wrong.</exception>
    public static GgufFile Parse(Stream stream, string file)
    {
        ArgumentNullException.ThrowIfNull(stream);
        return Assemble(file, [new Part(file, stream.Length, GgufHeaderParser.Parse(stream, file))], ManagedFileMapper.Instance);
    }

    /// <inheritdoc/>
    public bool TryGetTensor(string name, [NotNullWhen(true)] out CheckpointTensor? tensor) => _byName.TryGetValue(name, out tensor);

    /// <inheritdoc/>
    public void Dispose() => _files.ForEach(static file => file.Dispose());

    private static (GgufHeader Header, long Length) ReadHeader(string path)
    {
        try
        {
            using Stream stream = RegularFile.OpenRead(path);
            return (GgufHeaderParser.Parse(stream, path), stream.Length);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ModelFormatException(path, "file", $"it cannot be read: {e.Message}", e);
        }
    }

    private static GgufFile Assemble(string path, List<Part> parts, IFileMapper mapper)
    {
        List<CheckpointFile> files = [];
        Dictionary<string, CheckpointTensor> byName = new(StringComparer.Ordinal);
        foreach (Part part in parts)
        {
            CheckpointFile file = new(part.Path, part.Length, mapper);
            files.Add(file);
            foreach (GgufTensorEntry entry in part.Header.Tensors)
            {
                ImmutableArray<long> shape = [.. entry.Dimensions.Reverse()];
                CheckpointTensor tensor = new(entry.Name, entry.Format, shape, entry.ElementCount, entry.ByteLength, part.Header.DataStart + entry.DataOffset, file);
                if (!byName.TryAdd(entry.Name, tensor))
                {
                    throw new ModelFormatException(part.Path, entry.Name, $"this tensor is also in {byName[entry.Name].File.Path}.");
                }
            }
        }

        return new GgufFile(path, parts[0].Header.Metadata, parts[0].Header.Version, files, byName);
    }

    private sealed record Part(string Path, long Length, GgufHeader Header);
}
