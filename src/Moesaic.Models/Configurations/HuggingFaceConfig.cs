using Moesaic.Models.Checkpoints;

namespace Moesaic.Models.Configurations;

/// <summary>
/// A Hugging Face config.json: what every model states, on top of the raw keys. Keys that any model may carry and that
/// mean nothing here are declared ignorable once; the few general ones that would change the model are checked.
/// </summary>
public sealed class HuggingFaceConfig
{
    private static readonly string[] Bookkeeping =
    [
        "_name_or_path", "_commit_hash", "_attn_implementation", "attn_implementation", "auto_map", "transformers_version", "transformers.js_config", "tokenizer_class", "finetuning_task", "task_specific_params",
        "problem_type", "id2label", "label2id", "num_labels", "prefix", "torchscript", "return_dict", "output_attentions", "output_hidden_states", "output_router_logits",
        "use_cache", "use_bfloat16", "tf_legacy_loss", "is_decoder", "chunk_size_feed_forward", "pretraining_tp", "architectures", "model_type", "language", "keys_to_ignore_at_inference",
    ];

    // Matter in training only.
    private static readonly string[] Training =
    [
        "initializer_range", "attention_dropout", "hidden_dropout", "hidden_dropout_prob", "attention_probs_dropout_prob", "embd_pdrop", "resid_pdrop", "embedding_dropout", "output_dropout",
        "router_aux_loss_coef", "aux_loss_alpha", "seq_aux", "router_jitter_noise", "mtp_loss_scaling_factor", "ep_size",
    ];

    // Defaults for generation from before generation_config.json; that file decides.
    private static readonly string[] Generation =
    [
        "max_length", "max_new_tokens", "min_length", "do_sample", "early_stopping", "num_beams", "num_beam_groups", "diversity_penalty", "temperature", "top_k", "top_p", "typical_p", "repetition_penalty",
        "length_penalty", "no_repeat_ngram_size", "encoder_no_repeat_ngram_size", "bad_words_ids", "num_return_sequences", "output_scores", "return_dict_in_generate", "forced_bos_token_id",
        "forced_eos_token_id", "remove_invalid_values", "exponential_decay_length_penalty", "suppress_tokens", "begin_suppress_tokens",
        "bos_token_id", "eos_token_id", "pad_token_id", "sep_token_id", "decoder_start_token_id",
    ];

    private HuggingFaceConfig(JsonConfig raw, JsonConfig? modelOpt = null)
    {
        Raw = raw;
        Architectures = raw.TryGetStringArray("architectures", out string[]? architectures) ? architectures : [];
        ModelType = raw.TryGetString("model_type", out string? type) ? type : null;
        ElementFormat = ReadElementFormat(raw);
        IgnoreGeneral(raw);
        raw.RequireBoolean("add_cross_attention", false);
        raw.RequireBoolean("tie_encoder_decoder", false);
        if (raw.TryGetObject("pruned_heads", out JsonConfig? pruned) && pruned.UnreadKeys.Any())
        {
            throw raw.Error("pruned_heads", "pruned heads are not supported; expected an empty object.");
        }

        Quantisation = QuantisationReader.Read(raw, modelOpt);
    }

    /// <summary>Every key, with tracking. A family reads its own, then calls <see cref="ConfigReader.RequireAllRead"/>.</summary>
    public JsonConfig Raw { get; }

    /// <summary><c>architectures</c>; empty where absent. This decides the family: <c>model_type</c> is shared between generations.</summary>
    public IReadOnlyList<string> Architectures { get; }

    /// <summary><c>model_type</c>, or null.</summary>
    public string? ModelType { get; }

    /// <summary>What the weights are meant to be (<c>dtype</c>, formerly <c>torch_dtype</c>); null where not said. The tensors themselves decide.</summary>
    public ElementFormat? ElementFormat { get; }

    /// <summary>How the weights are quantised; null where they are not.</summary>
    public QuantisationConfig? Quantisation { get; }

    /// <summary>Loads config.json, and beside it <c>hf_quant_config.json</c> where there is one.</summary>
    /// <exception cref="ModelFormatException">The file is unreadable, or one of the general keys is wrong or not supported.</exception>
    public static HuggingFaceConfig Load(string path) =>
        new(JsonConfig.Load(path), JsonConfig.LoadIfPresent(System.IO.Path.Combine(System.IO.Path.GetDirectoryName(path) ?? string.Empty, "hf_quant_config.json")));

    /// <exception cref="ModelFormatException">The text is unusable, or one of the general keys is wrong or not supported.</exception>
    public static HuggingFaceConfig Parse(ReadOnlyMemory<byte> json, string file) => new(JsonConfig.Parse(json, file));

    /// <summary>Declares the keys ignorable that any configuration may carry, in this or in a nested one.</summary>
    internal static void IgnoreGeneral(JsonConfig config)
    {
        config.Ignore(Bookkeeping);
        config.Ignore(Training);
        config.Ignore(Generation);
    }

    private static ElementFormat? ReadElementFormat(JsonConfig raw)
    {
        string? current = raw.TryGetString("dtype", out string? text) ? text : null;
        string? former = raw.TryGetString("torch_dtype", out text) ? text : null;
        if (current is not null && former is not null && current != former)
        {
            throw raw.Error("dtype", $"it says '{current}', while torch_dtype says '{former}'.");
        }

        return (current ?? former) switch
        {
            null or "auto" => null,
            "float32" or "torch.float32" => Checkpoints.ElementFormat.F32,
            "float16" or "torch.float16" => Checkpoints.ElementFormat.F16,
            "bfloat16" or "torch.bfloat16" => Checkpoints.ElementFormat.BF16,
            "float8_e4m3fn" => Checkpoints.ElementFormat.F8_E4M3,
            string other => throw raw.Error(current is null ? "torch_dtype" : "dtype", $"the value '{other}' is not supported; expected float32, float16 or bfloat16."),
        };
    }
}
