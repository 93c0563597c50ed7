using Moesaic.Models.Checkpoints;
using Moesaic.Models.Checkpoints.Gguf;
using Moesaic.Models.Configurations;
using Moesaic.Models.Decoder;

namespace Moesaic.Models.Families;

/// <summary>A model's files opened and understood, nothing loaded: headers and configuration read and checked, the decoder described.</summary>
public sealed class OpenedModel : IDisposable
{
    private OpenedModel(ModelLocation location, ICheckpoint checkpoint, HuggingFaceConfig? config, DecoderDescription description)
    {
        Location = location;
        Checkpoint = checkpoint;
        HuggingFaceConfig = config;
        Description = description;
    }

    public ModelLocation Location { get; }

    public ICheckpoint Checkpoint { get; }

    /// <summary>config.json; null for a GGUF file.</summary>
    public HuggingFaceConfig? HuggingFaceConfig { get; }

    /// <summary>The GGUF file; null for a Hugging Face folder.</summary>
    public GgufFile? Gguf => Checkpoint as GgufFile;

    public DecoderDescription Description { get; }

    /// <summary>Opens the model at a path: a Hugging Face folder or a GGUF file.</summary>
    /// <exception cref="ModelFormatException">There is no usable model; the message names file, field and value.</exception>
    public static OpenedModel Open(string path)
    {
        ModelLocation location = ModelLocation.Resolve(path);
        ICheckpoint checkpoint = location.OpenCheckpoint(NativeFileMapper.Instance);
        try
        {
            HuggingFaceConfig? config = checkpoint is GgufFile ? null : HuggingFaceConfig.Load(location.Files!.Config!);
            DecoderDescription description = checkpoint is GgufFile gguf
                ? ModelFamilies.Describe(gguf)
                : ModelFamilies.Describe(config!, checkpoint);
            return new OpenedModel(location, checkpoint, config, description);
        }
        catch
        {
            checkpoint.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Checkpoint.Dispose();
}
