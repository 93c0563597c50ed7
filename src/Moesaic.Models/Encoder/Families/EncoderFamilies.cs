using System.Collections.Immutable;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Checkpoints.Gguf;
using Moesaic.Models.Configurations;
using Moesaic.Models.Families;

namespace Moesaic.Models.Encoder;

/// <summary>Finds the encoder family of a checkpoint and has it describe the encoder.</summary>
public static class EncoderFamilies
{
    private const string GgufArchitecture = "bert";

    // The only place that lists families: explicit, so that trimming keeps them.
    private static readonly ImmutableArray<BertFamily> s_all =
    [
        new("BERT", ["BertModel", "BertForMaskedLM", "BertForPreTraining"], ["bert"], ["", "bert."], positionsAfterPadding: false),
        new("XLM-R", ["XLMRobertaModel", "XLMRobertaForMaskedLM", "RobertaModel", "RobertaForMaskedLM", "CamembertModel"], ["xlm-roberta", "roberta", "camembert"], ["", "roberta."], positionsAfterPadding: true),
    ];

    /// <summary>Names of the families, for messages and <c>doctor</c>.</summary>
    public static ImmutableArray<string> Names => [.. s_all.Select(f => f.Name)];

    /// <summary>Whether a Hugging Face folder holds an encoder.</summary>
    public static bool Answers(HuggingFaceConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        return Find(config) is not null;
    }

    /// <summary>Whether a GGUF file holds an encoder.</summary>
    public static bool Answers(GgufFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        return file.Metadata.Architecture == GgufArchitecture;
    }

    /// <summary>Describes the encoder in a GGUF file.</summary>
    /// <exception cref="ModelFormatException">It is no encoder, or its settings are wrong or not supported.</exception>
    public static EncoderDescription Describe(GgufFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        return Answers(file) ? BertFamily.Describe(new GgufInput(file)) : throw NoEncoder(file.Path, "general.architecture", file.Metadata.Architecture);
    }

    /// <summary>Describes the encoder in a Hugging Face folder.</summary>
    /// <exception cref="ModelFormatException">It is no encoder, or its settings are wrong or not supported.</exception>
    public static EncoderDescription Describe(HuggingFaceConfig config, ICheckpoint checkpoint)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(checkpoint);
        string architecture = config.Architectures.Count > 0 ? config.Architectures[0] : config.ModelType ?? "";
        BertFamily family = Find(config) ?? throw NoEncoder(config.Raw.File, "architectures", architecture);
        return family.Describe(new HuggingFaceInput(config, architecture, checkpoint)) with { Quantisation = config.Quantisation };
    }

    private static BertFamily? Find(HuggingFaceConfig config) => config.Architectures.Count switch
    {
        0 => config.ModelType is { } type ? s_all.FirstOrDefault(f => f.ModelTypes.Contains(type)) : null,
        1 => s_all.FirstOrDefault(f => f.Architectures.Contains(config.Architectures[0])),
        _ => null,
    };

    private static ModelFormatException NoEncoder(string file, string field, string architecture) => new(
        file,
        field,
        $"'{architecture}' is no encoder that makes embeddings; supported are {string.Join(", ", s_all.SelectMany(f => f.Architectures))}, and {GgufArchitecture} in GGUF files. A decoder generates text instead (generate, chat, serve).");
}
