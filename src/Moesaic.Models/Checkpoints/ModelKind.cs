namespace Moesaic.Models.Checkpoints;

/// <summary>The two forms in which a model is taken.</summary>
public enum ModelKind
{
    /// <summary>A folder with config.json, safetensors and tokenizer files.</summary>
    HuggingFace,

    /// <summary>A GGUF file (or the parts of one) that holds everything.</summary>
    Gguf,
}
