using Moesaic.Models.Checkpoints;
using Moesaic.Models.Checkpoints.Gguf;
using Moesaic.Models.Configurations;

namespace Moesaic.Models.Encoder;

/// <summary>An encoder's files opened and understood, nothing loaded.</summary>
public sealed class OpenedEncoder : IDisposable
{
    private OpenedEncoder(ModelLocation location, ICheckpoint checkpoint, HuggingFaceConfig? config, EncoderDescription description)
    {
        HuggingFaceConfig = config;
        Location = location;
        Checkpoint = checkpoint;
        Description = description;
    }

    public ModelLocation Location { get; }

    public ICheckpoint Checkpoint { get; }

    /// <summary>config.json; null for a GGUF file.</summary>
    public HuggingFaceConfig? HuggingFaceConfig { get; }

    public EncoderDescription Description { get; }

    /// <summary>Whether the model at a path is an encoder; false for any other that can be opened.</summary>
    /// <exception cref="ModelFormatException">There is no usable model at the path.</exception>
    public static bool IsEncoder(string path)
    {
        ModelLocation location = ModelLocation.Resolve(path);
        if (location.Kind != ModelKind.Gguf)
        {
            return EncoderFamilies.Answers(Configurations.HuggingFaceConfig.Load(location.Files!.Config!));
        }

        using ICheckpoint file = location.OpenCheckpoint(NativeFileMapper.Instance);
        return EncoderFamilies.Answers((GgufFile)file);
    }

    /// <summary>Opens the encoder at a path: a Hugging Face folder or a GGUF file.</summary>
    /// <exception cref="ModelFormatException">There is no usable encoder; the message names file, field and value.</exception>
    public static OpenedEncoder Open(string path)
    {
        ModelLocation location = ModelLocation.Resolve(path);
        ICheckpoint checkpoint = location.OpenCheckpoint(NativeFileMapper.Instance);
        try
        {
            HuggingFaceConfig? config = checkpoint is GgufFile ? null : Configurations.HuggingFaceConfig.Load(location.Files!.Config!);
            EncoderDescription description = checkpoint is GgufFile gguf
                ? EncoderFamilies.Describe(gguf)
                : EncoderFamilies.Describe(config!, checkpoint) with { Pooling = PoolingReader.Read(location.Folder!) };
            return new OpenedEncoder(location, checkpoint, config, description);
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
