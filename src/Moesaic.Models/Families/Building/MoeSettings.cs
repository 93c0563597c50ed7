using Moesaic.Interop;
using Moesaic.Models.Configurations;
using Moesaic.Models.Decoder;

namespace Moesaic.Models.Families;

/// <summary>Sizes and router of a family's layers with experts, the same in all of them.</summary>
internal sealed record MoeSettings
{
    public required int NumExperts { get; init; }

    /// <summary>Experts of a token.</summary>
    public required int TopK { get; init; }

    /// <summary>Rows of one expert's gate and up.</summary>
    public required int ExpertWidth { get; init; }

    /// <summary>Rows of the shared experts' gate and up together; 0: none.</summary>
    public int SharedWidth { get; init; }

    public required RouterScore Score { get; init; }

    /// <summary>Whether a bias takes part in the choice of experts alone.</summary>
    public bool HasSelectionBias { get; init; }

    public RouterGroupRule GroupRule { get; init; }

    /// <summary>Groups of experts, and how many of them are kept for a token.</summary>
    public (int Number, int Kept) Groups { get; init; } = (1, 1);

    public required bool Normalise { get; init; }

    /// <summary>Added to the sum that normalisation divides by.</summary>
    public float NormEpsilon { get; init; }

    public float Scale { get; init; } = 1;

    /// <summary>Softmax over all experts, no groups, no shared expert.</summary>
    public static MoeSettings OfSoftmax(int numExperts, int topK, int expertWidth, bool normalise) => new()
    {
        NumExperts = numExperts,
        TopK = topK,
        ExpertWidth = expertWidth,
        Score = RouterScore.Softmax,
        Normalise = normalise,
    };

    /// <summary>The experts of a layer.</summary>
    public MoeDescription Describe(LayerParts parts, int layer) => parts.Moe(
        layer,
        new RouterDescription
        {
            Weight = parts.RouterWeight(layer, NumExperts),
            SelectionBias = HasSelectionBias ? parts.SelectionBias(layer, NumExperts) : null,
            Score = Score,
            GroupRule = GroupRule,
            NumGroups = Groups.Number,
            KeptGroups = Groups.Kept,
            TopK = TopK,
            Normalise = Normalise,
            NormEpsilon = NormEpsilon,
            Scale = Scale,
        },
        NumExperts,
        ExpertWidth,
        SharedWidth > 0 ? parts.SharedExpert(layer, SharedWidth) : null);

    /// <summary>The width of all shared experts together: their number times one's width, unless a key gives one's (Hugging Face) or all's (GGUF).</summary>
    public static int ReadSharedWidth(ConfigReader config, string key, int numShared, int expertWidth, bool perExpert)
    {
        if (numShared == 0)
        {
            config.Ignore(key);
            return 0;
        }

        long all = (long)expertWidth * numShared;
        int? given = config.TryGetInt32InRange(key, 1, Limits.Intermediate);
        long width = given is not { } w ? all : perExpert ? (long)w * numShared : w;
        return width <= Limits.Intermediate ? (int)width : throw config.Error(key, $"the shared experts together are {width} wide; expected at most {Limits.Intermediate}.");
    }

    /// <summary>Groups of experts: 0, 1, null and absent all mean that there are none.</summary>
    public static (int Number, int Kept) ReadGroups(ConfigReader config, string numberKey, string keptKey, int numExperts, int topK)
    {
        int number = config.GetInt32InRange(numberKey, 0, numExperts, 0);
        if (number <= 1)
        {
            config.Ignore(keptKey);
            return (1, 1);
        }

        if (numExperts % number != 0 || numExperts / number < 2)
        {
            throw config.Error(numberKey, $"the value {number} does not divide the {numExperts} experts into groups of at least 2.");
        }

        int kept = config.GetInt32InRange(keptKey, 1, number);
        return kept * (numExperts / number) >= topK
            ? (number, kept)
            : throw config.Error(keptKey, $"{kept} groups of {numExperts / number} experts are too few to choose {topK} from.");
    }
}
