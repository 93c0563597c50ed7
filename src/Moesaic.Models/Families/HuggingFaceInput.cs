using Moesaic.Models.Checkpoints;
using Moesaic.Models.Configurations;
using Moesaic.Models.Decoder;

namespace Moesaic.Models.Families;

/// <summary>What a family sees of a Hugging Face folder: its <c>config.json</c> and the names of its tensors.</summary>
internal sealed class HuggingFaceInput(HuggingFaceConfig config, string architecture, ICheckpoint checkpoint)
{
    public JsonConfig Config { get; } = config.Raw;

    /// <summary>The entry of <c>architectures</c>, or the <c>model_type</c> where there is none.</summary>
    public string Architecture { get; } = architecture;

    /// <summary>Whether the checkpoint has a tensor of that name, as it is or quantised.</summary>
    public bool HasTensor(string name) => checkpoint.TryGetTensor(name, out _) || QuantisedNames.IsStored(checkpoint, name);

    /// <summary>Refuses every option that the family did not read. Call it last.</summary>
    public void RequireAllRead()
    {
        // Notes of exporters and training tools; none changes the computation.
        Config.Ignore("is_llama_config", "unsloth_version", "unsloth_fixed", "_attn_implementation_autoset", "gradient_checkpointing", "neftune_noise_alpha", "model_max_length", "max_sequence_length");
        Config.RequireAllRead();
    }
}
