using System.Collections.Immutable;
using Moesaic.Models.Checkpoints.Gguf;
using Moesaic.Models.Decoder;
using Moesaic.Models.Families;

namespace Moesaic.Models.Export;

/// <summary>A decoder to be written.</summary>
internal sealed class DecoderSource : ExportSource
{
    private readonly OpenedModel _model;
    private readonly GgufScheme _scheme;
    private readonly LoadPlan _plan;

    /// <exception cref="ModelFormatException">It is no Hugging Face folder, its family has no GGUF form, or its tensors are not those of its configuration.</exception>
    public DecoderSource(OpenedModel model)
        : base(model.Location, model.Checkpoint, model.HuggingFaceConfig)
    {
        _model = model;

        // Every tensor must be one that the description knows: nothing is dropped unseen.
        _plan = LoadPlan.Create(model.Description, model.Checkpoint, includeMtp: true);
        _scheme = ModelFamilies.SchemeOf(Config)
            ?? throw new ModelFormatException(Config.Raw.File, "architectures", $"there are no GGUF files of the family {model.Description.Family}.");
        if (!_scheme.ExpertKeys.IsEmpty && !model.Description.Layers.Any(l => l.FeedForward is MoeDescription))
        {
            throw new ModelFormatException(Config.Raw.File, "architectures", $"GGUF cannot say everything about this model: no layer has experts, while files of {_scheme.Architecture} always do.");
        }

        Tensors = [.. ExportRope.Tensors(model.Description, _scheme, Config.Raw.File), .. ExportTensors.Of(model.Description, _scheme)];
    }

    public override int VocabularySize => _model.Description.VocabularySize;

    public override IReadOnlyList<ExportTensor> Tensors { get; }

    public override ImmutableArray<IgnoredTensor> LeftOut => _plan.Ignored;

    public override void AddMetadata(GgufPairs pairs, int fileType)
    {
        AddGeneral(pairs, _scheme.Architecture, fileType);
        new ExportMetadata(_model.Description, Config.Raw, _scheme, pairs).Add();
    }

    public override string? FindDifference(GgufFile written)
    {
        DecoderDescription description = ModelFamilies.Describe(written);
        string? difference = DescriptionComparison.FindDifference(_model.Description, description, _scheme.Pairing);
        if (difference is null)
        {
            // Tensors are missing or left over where the descriptions differ, which says less.
            _ = LoadPlan.Create(description, written, includeMtp: true);
        }

        return difference;
    }
}
