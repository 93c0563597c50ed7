using Moesaic.Models.Checkpoints;
using Moesaic.Models.Checkpoints.Gguf;
using Moesaic.Models.Configurations;

namespace Moesaic.Models.Families;

/// <summary>What a family sees of a GGUF file: its metadata and its tensors.</summary>
internal sealed class GgufInput(GgufFile file)
{
    public GgufConfig Config { get; } = new(file.Metadata);

    /// <summary><c>general.architecture</c>.</summary>
    public string Architecture => Config.Architecture;

    public ICheckpoint Checkpoint => file;

    public bool HasTensor(string name) => file.TryGetTensor(name, out _);

    /// <summary>Rows of the embedding.</summary>
    public int VocabularySize()
    {
        CheckpointTensor embedding = file.GetTensor("token_embd.weight");
        return embedding.Shape is [>= 1 and <= Limits.Vocabulary, _]
            ? (int)embedding.Shape[0]
            : throw new ModelFormatException(embedding.File.Path, embedding.Name, $"its shape is [{string.Join(", ", embedding.Shape)}]; expected [vocabulary, hidden] with at most {Limits.Vocabulary} tokens.");
    }

    /// <summary>Refuses every hyper-parameter that the family did not read. Call it last.</summary>
    public void RequireAllRead()
    {
        // The embedding's shape decides the vocabulary; the others are notes of converters.
        Config.Ignore("vocab_size", "tensor_data_layout");
        Config.RequireAllRead();
    }
}
