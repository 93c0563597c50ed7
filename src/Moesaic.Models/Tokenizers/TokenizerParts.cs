using Moesaic.Models.Tokenizers.Decoders;
using Moesaic.Models.Tokenizers.Normalizers;
using Moesaic.Models.Tokenizers.PostProcessors;
using Moesaic.Models.Tokenizers.PreTokenizers;
using Moesaic.Models.Tokenizers.TokenModels;

namespace Moesaic.Models.Tokenizers;

/// <summary>What a tokenizer is made of.</summary>
internal sealed record TokenizerParts
{
    public required TokenModel Model { get; init; }

    public TextNormalizer? Normalizer { get; init; }

    public IReadOnlyList<PreTokenizer> PreTokenizers { get; init; } = [];

    public PostProcessor? PostProcessor { get; init; }

    public TokenDecoder Decoder { get; init; } = new TokenDecoder.JoinWithSpaces();

    public IReadOnlyList<AddedToken> AddedTokens { get; init; } = [];

    public SpecialTokens Special { get; init; } = new();
}
