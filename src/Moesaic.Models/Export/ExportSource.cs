using System.Collections.Immutable;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Checkpoints.Gguf;
using Moesaic.Models.Configurations;
using Moesaic.Models.Decoder;

namespace Moesaic.Models.Export;

/// <summary>A Hugging Face folder on its way into a GGUF file: what the exporter needs to know of it.</summary>
internal abstract class ExportSource
{
    private protected ExportSource(ModelLocation location, ICheckpoint checkpoint, HuggingFaceConfig? config)
    {
        Location = location;
        Checkpoint = checkpoint;
        Config = config ?? throw new ModelFormatException(location.Name, "model", "it is a GGUF file already; quantise the Hugging Face folder that it came from.");
    }

    public ModelLocation Location { get; }

    public ICheckpoint Checkpoint { get; }

    public HuggingFaceConfig Config { get; }

    /// <summary>Rows of the embedding.</summary>
    public abstract int VocabularySize { get; }

    /// <summary>What becomes of every tensor.</summary>
    public abstract IReadOnlyList<ExportTensor> Tensors { get; }

    /// <summary>Tensors that are not written.</summary>
    public abstract ImmutableArray<IgnoredTensor> LeftOut { get; }

    public abstract void AddMetadata(GgufPairs pairs, int fileType);

    /// <summary>The first difference between the checkpoint's computation and that of a file's header, in words; null: there is none.</summary>
    /// <exception cref="ModelFormatException">The header describes no model.</exception>
    public abstract string? FindDifference(GgufFile written);

    /// <summary>Keys that every file has.</summary>
    private protected void AddGeneral(GgufPairs pairs, string architecture, int fileType)
    {
        pairs.Add("general.architecture", architecture);
        pairs.Add("general.type", "model");
        pairs.Add("general.name", Path.GetFileName(Path.GetFullPath(Location.Name)));
        pairs.Add("general.file_type", fileType);
        pairs.Add("general.quantization_version", 2);
    }
}
