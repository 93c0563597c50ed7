using System.Collections.Immutable;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Checkpoints.Gguf;
using Moesaic.Models.Configurations;
using Moesaic.Models.Decoder;

namespace Moesaic.Models.Families;

/// <summary>Finds the family of a checkpoint and has it describe the decoder.</summary>
public static class ModelFamilies
{
    // The only place that lists families: explicit, so that trimming keeps them.
    private static readonly ImmutableArray<IModelFamily> s_all =
    [
        new Llama(),
        Qwen.Two,
        Qwen.Three,
        new Mixtral(),
        new Ling2(),
        DeepSeek.V2,
        DeepSeek.V3,
        new GptOss(),
        new Dots1(),
        new Qwen3Moe(),
        new OlMoe(),
        new Phi3(),
        new Gemma3(),
        new SwitchTransformer(),
    ];

    /// <summary>Names of the families, for messages and <c>doctor</c>.</summary>
    public static ImmutableArray<string> Names => [.. s_all.Select(f => f.Name)];

    /// <summary>Describes the model in a GGUF file.</summary>
    /// <exception cref="ModelFormatException">The architecture is unknown, or its settings are wrong or not supported.</exception>
    public static DecoderDescription Describe(GgufFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        if (Encoder.EncoderFamilies.Answers(file))
        {
            throw new ModelFormatException(file.Path, "general.architecture", EncoderAdvice(file.Metadata.Architecture));
        }

        GgufInput input = new(file);
        IModelFamily family = s_all.FirstOrDefault(f => f.Answers(input)) ?? throw new ModelFormatException(
            file.Path,
            "general.architecture",
            $"the architecture '{input.Architecture}' is not supported; supported are {string.Join(", ", s_all.SelectMany(f => f.GgufArchitectures).Distinct())}.");
        return family.Describe(input);
    }

    /// <summary>Describes the model in a Hugging Face folder.</summary>
    /// <param name="config">Its <c>config.json</c>.</param>
    /// <param name="checkpoint">The tensors.</param>
    /// <exception cref="ModelFormatException">The architecture is unknown, or its settings are wrong or not supported.</exception>
    public static DecoderDescription Describe(HuggingFaceConfig config, ICheckpoint checkpoint)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(checkpoint);
        (IModelFamily family, string architecture) = Find(config);
        config.Raw.RequireBoolean("is_encoder_decoder", family.IsEncoderDecoder);
        return family.Describe(new HuggingFaceInput(config, architecture, checkpoint)) with { Quantisation = config.Quantisation };
    }

    /// <summary>How models of a configuration's family are written as GGUF; null where they are not.</summary>
    internal static GgufScheme? SchemeOf(HuggingFaceConfig config) => Find(config).Family.GgufScheme;

    private static (IModelFamily Family, string Architecture) Find(HuggingFaceConfig config)
    {
        if (Encoder.EncoderFamilies.Answers(config))
        {
            throw config.Raw.Error("architectures", EncoderAdvice(config.Architectures.Count > 0 ? config.Architectures[0] : config.ModelType!));
        }

        string supported = $"supported are {string.Join(", ", s_all.SelectMany(f => f.Architectures))}.";
        if (config.Architectures is [string name])
        {
            return (s_all.FirstOrDefault(f => f.Architectures.Contains(name))
                ?? throw config.Raw.Error("architectures", $"'{name}' is not supported; {supported}"), name);
        }

        if (config.Architectures.Count > 1)
        {
            throw config.Raw.Error("architectures", $"it names {config.Architectures.Count} architectures; expected one; {supported}");
        }

        string? type = config.ModelType;
        return (s_all.FirstOrDefault(f => type is not null && f.ModelTypes.Contains(type))
            ?? throw config.Raw.Error("architectures", $"it is missing, and model_type {(type is null ? "is too" : $"'{type}' does not tell the family")}; {supported}"), type!);
    }

    private static string EncoderAdvice(string architecture) =>
        $"'{architecture}' is an encoder: it makes embeddings (moesaic embed, /v1/embeddings) and cannot generate or score text.";
}
