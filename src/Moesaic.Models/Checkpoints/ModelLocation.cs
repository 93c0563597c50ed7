using Moesaic.Models.Checkpoints.Gguf;
using Moesaic.Models.Checkpoints.Safetensors;

namespace Moesaic.Models.Checkpoints;

/// <summary>
/// Where a model's files are, found from the one path that the user names: a Hugging Face folder, a GGUF file, or a
/// folder with one GGUF model in it.
/// </summary>
public sealed class ModelLocation
{
    private const string SafetensorsName = "model.safetensors";
    private const string IndexName = "model.safetensors.index.json";
    private const string Expected = "expected a folder with config.json and model.safetensors, or a GGUF file";

    private ModelLocation(ModelKind kind, string weightsPath, string? folder)
    {
        Kind = kind;
        WeightsPath = weightsPath;
        Folder = folder;
        Files = folder is null ? null : new ModelFolder(folder);
    }

    /// <summary>Which form the model has.</summary>
    public ModelKind Kind { get; }

    /// <summary>The GGUF file, the safetensors file, or the index of the shards.</summary>
    public string WeightsPath { get; }

    /// <summary>The Hugging Face folder; null for GGUF, where nothing beside the file counts.</summary>
    public string? Folder { get; }

    /// <summary>What to call the model in messages: the folder or the GGUF file.</summary>
    public string Name => Folder ?? WeightsPath;

    /// <summary>The files of the Hugging Face folder; null for GGUF.</summary>
    public ModelFolder? Files { get; }

    /// <exception cref="ModelFormatException">There is no model at the path, or not exactly one; the message says what to do.</exception>
    public static ModelLocation Resolve(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        try
        {
            if (Directory.Exists(path))
            {
                return InFolder(path);
            }

            return File.Exists(path) ? FromFile(path) : throw Error(path, $"there is no such file or folder; {Expected}.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ModelFormatException(path, "model", $"it cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Opens the weights; reads and checks all headers.</summary>
    /// <exception cref="ModelFormatException">A file is missing or anything in a header is wrong.</exception>
    public ICheckpoint OpenCheckpoint() => OpenCheckpoint(ManagedFileMapper.Instance);

    internal ICheckpoint OpenCheckpoint(IFileMapper mapper)
    {
        if (Kind == ModelKind.Gguf)
        {
            return GgufFile.Open(WeightsPath, mapper);
        }

        return WeightsPath.EndsWith(".json", StringComparison.Ordinal)
            ? ShardedSafetensors.Open(WeightsPath, mapper)
            : SafetensorsFile.Open(WeightsPath, mapper);
    }

    private static ModelLocation FromFile(string path)
    {
        string name = Path.GetFileName(path);
        if (IsGguf(path))
        {
            return new ModelLocation(ModelKind.Gguf, path, null);
        }

        if (IsPickle(name))
        {
            throw Error(path, PickleAdvice(Path.GetDirectoryName(Path.GetFullPath(path))!));
        }

        if (name.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase) || name.EndsWith(".json", StringComparison.OrdinalIgnoreCase))
        {
            throw Error(path, $"this is one file of a model folder; name the folder instead ({Path.GetDirectoryName(Path.GetFullPath(path))}).");
        }

        throw Error(path, $"the file does not start with the GGUF magic; {Expected}.");
    }

    private static ModelLocation InFolder(string folder)
    {
        string[] names = [.. Directory.EnumerateFiles(folder).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)];
        string? weights = Array.Find([SafetensorsName, IndexName], candidate => names.Contains(candidate));
        if (weights is not null)
        {
            return names.Contains("config.json")
                ? new ModelLocation(ModelKind.HuggingFace, Path.Combine(folder, weights), folder)
                : throw Error(folder, $"the folder has {weights} but no config.json, which says what model it is.");
        }

        string[] ggufs = [.. names.Where(name => name.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase))];
        string[] models = [.. ggufs.Where(name => !GgufSplit.IsLaterPart(name))];
        if (models.Length == 1)
        {
            return new ModelLocation(ModelKind.Gguf, Path.Combine(folder, models[0]), null);
        }

        if (ggufs.Length > 0)
        {
            throw Error(folder, models.Length == 0
                ? $"the folder holds parts of a split GGUF model but not the first one: {List(ggufs)}."
                : $"the folder holds {models.Length} GGUF models; name one of them: {List(models)}.");
        }

        if (names.FirstOrDefault(name => name.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase)) is { } other)
        {
            throw Error(folder, $"the folder has safetensors files ({other}, ...) but neither {SafetensorsName} nor {IndexName}.");
        }

        throw Error(folder, names.Any(IsPickle) ? PickleAdvice(folder) : $"the folder holds no model weights; {Expected}.");
    }

    private static string PickleAdvice(string folder) =>
        "the weights are PyTorch pickles, which can run any code when opened and are not read. Convert them to safetensors, " +
        $"for example in Python: from transformers import AutoModelForCausalLM; AutoModelForCausalLM.from_pretrained('{folder}').save_pretrained('NEW_FOLDER')" +
        " (then copy the tokenizer files), or take a repository revision that has *.safetensors.";

    private static bool IsPickle(string name) =>
        Path.GetExtension(name).ToUpperInvariant() is ".BIN" or ".PT" or ".PTH" or ".CKPT" or ".PKL" or ".PICKLE";

    private static bool IsGguf(string path)
    {
        Span<byte> magic = stackalloc byte[4];
        using Stream stream = RegularFile.OpenRead(path);
        return path.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase)
            || (stream.ReadAtLeast(magic, 4, throwOnEndOfStream: false) == 4 && magic.SequenceEqual("GGUF"u8));
    }

    private static string List(string[] names) => string.Join(", ", names.Take(8)) + (names.Length > 8 ? ", ..." : "");

    private static ModelFormatException Error(string path, string message) => new(path, "model", message);
}
