using System.Diagnostics.CodeAnalysis;

namespace Moesaic.Models.Checkpoints.Safetensors;

/// <summary>
/// Several safetensors files tied together by an index. Every tensor of every shard is seen, also those that the
/// index does not name, so that nothing is ignored silently; a name in two shards is an error.
/// </summary>
public sealed class ShardedSafetensors : ICheckpoint
{
    private readonly List<SafetensorsFile> _shards;
    private readonly Dictionary<string, CheckpointTensor> _byName;

    private ShardedSafetensors(string path, List<SafetensorsFile> shards, Dictionary<string, CheckpointTensor> byName)
    {
        Path = path;
        _shards = shards;
        _byName = byName;
        Files = [.. shards.SelectMany(shard => shard.Files)];
        Tensors = [.. byName.Values];
    }

    /// <summary>Path of the index.</summary>
    public string Path { get; }

    /// <inheritdoc/>
    public IReadOnlyList<CheckpointFile> Files { get; }

    /// <inheritdoc/>
    public IReadOnlyList<CheckpointTensor> Tensors { get; }

    /// <summary>Opens the index and all shards that it names.</summary>
    /// <exception cref="ModelFormatException">A shard is missing, anything in a header is wrong, or index and shards disagree.</exception>
    public static ShardedSafetensors Open(string indexPath) => Open(indexPath, ManagedFileMapper.Instance);

    internal static ShardedSafetensors Open(string indexPath, IFileMapper mapper)
    {
        IReadOnlyDictionary<string, string> map = SafetensorsIndex.Read(indexPath);
        string folder = System.IO.Path.GetDirectoryName(indexPath) ?? "";
        List<SafetensorsFile> shards = [];
        Dictionary<string, CheckpointTensor> byName = new(StringComparer.Ordinal);
        string[] names = [.. map.Values.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        string[] missing = [.. names.Where(name => !File.Exists(System.IO.Path.Combine(folder, name)))];
        if (missing.Length > 0)
        {
            throw new ModelFormatException(indexPath, "weight_map", $"{missing.Length} of {names.Length} shards are missing from the folder: {string.Join(", ", missing.Take(5))}{(missing.Length > 5 ? ", ..." : "")}.");
        }

        foreach (string name in names)
        {
            SafetensorsFile shard = SafetensorsFile.Open(System.IO.Path.Combine(folder, name), mapper);
            shards.Add(shard);
            foreach (CheckpointTensor tensor in shard.Tensors)
            {
                if (!byName.TryAdd(tensor.Name, tensor))
                {
                    throw new ModelFormatException(shard.Path, tensor.Name, $"this tensor is also in {byName[tensor.Name].File.Path}.");
                }
            }
        }

        foreach ((string tensor, string shard) in map)
        {
            if (!byName.TryGetValue(tensor, out CheckpointTensor? found) || System.IO.Path.GetFileName(found.File.Path) != shard)
            {
                throw new ModelFormatException(indexPath, $"weight_map.{tensor}", $"the index places this tensor in {shard}, which does not hold it.");
            }
        }

        return new ShardedSafetensors(indexPath, shards, byName);
    }

    /// <inheritdoc/>
    public bool TryGetTensor(string name, [NotNullWhen(true)] out CheckpointTensor? tensor) => _byName.TryGetValue(name, out tensor);

    /// <inheritdoc/>
    public void Dispose() => _shards.ForEach(static shard => shard.Dispose());
}
