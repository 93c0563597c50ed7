using System.Text;
using Moesaic.Models.Tokenizers.Normalizers;

namespace Moesaic.Models.Tokenizers.Decoders;

/// <summary>How tokens become text again: a recipe for a chain of steps. Immutable and thread-safe.</summary>
internal abstract record TokenDecoder
{
    /// <summary>Whether all tokens become one, which then comes in parts.</summary>
    public virtual bool Fuses => false;

    /// <summary>A new step before another one.</summary>
    /// <param name="next">The step after it.</param>
    /// <param name="fused">Whether an earlier step made one token of all.</param>
    public abstract DecoderStage CreateStage(DecoderStage next, bool fused);

    public sealed record ByteLevel : TokenDecoder
    {
        public override bool Fuses => true;

        public override DecoderStage CreateStage(DecoderStage next, bool fused) => new ByteLevelStage(next) { WaitsForMore = fused };
    }

    public sealed record ByteFallback : TokenDecoder
    {
        public override DecoderStage CreateStage(DecoderStage next, bool fused) => new ByteFallbackStage(next) { WaitsForMore = fused };
    }

    public sealed record Fuse : TokenDecoder
    {
        public override bool Fuses => true;

        public override DecoderStage CreateStage(DecoderStage next, bool fused) => new FuseStage(next);
    }

    public sealed record Strip(string Content, int Start, int Stop) : TokenDecoder
    {
        public override DecoderStage CreateStage(DecoderStage next, bool fused) => new StripStage(next, Content, Start, Stop);
    }

    public sealed record Replace(ReplaceNormalizer Replacement) : TokenDecoder
    {
        public override DecoderStage CreateStage(DecoderStage next, bool fused) =>
            fused && Replacement.Literal is { Length: 1 }
                ? new MapStage(next, Replacement.Normalize)
                : new MapTokenStage(next, (token, _) => Replacement.Normalize(token)) { WaitsForMore = fused };
    }

    public sealed record Metaspace(string Replacement, bool Prepends) : TokenDecoder
    {
        public override DecoderStage CreateStage(DecoderStage next, bool fused) => new MapTokenStage(next, Map) { WaitsForMore = fused };

        private string Map(string token, int index) => token.Replace(Replacement, index == 0 && Prepends ? "" : " ", StringComparison.Ordinal);
    }

    public sealed record WordPiece(string Prefix, bool Cleanup) : TokenDecoder
    {
        public override DecoderStage CreateStage(DecoderStage next, bool fused) => new MapTokenStage(next, Map) { WaitsForMore = fused };

        /// <summary>Takes spaces before punctuation and English contractions away.</summary>
        public static string CleanUp(string text)
        {
            StringBuilder result = new(text);
            foreach ((string from, string to) in (ReadOnlySpan<(string, string)>)[(" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"), (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re")])
            {
                result.Replace(from, to);
            }

            return result.ToString();
        }

        private string Map(string token, int index)
        {
            if (index > 0)
            {
                token = token.StartsWith(Prefix, StringComparison.Ordinal) ? token[Prefix.Length..] : " " + token;
            }

            return Cleanup ? CleanUp(token) : token;
        }
    }

    public sealed record Bpe(string Suffix) : TokenDecoder
    {
        public override DecoderStage CreateStage(DecoderStage next, bool fused) => new BpeStage(next, Suffix) { WaitsForMore = fused };
    }

    public sealed record Ctc(string PadToken, string WordDelimiter, bool Cleanup) : TokenDecoder
    {
        public override DecoderStage CreateStage(DecoderStage next, bool fused) => new CtcStage(next, this) { WaitsForMore = fused };
    }

    /// <summary>Without a decoder, tokens are joined by spaces.</summary>
    public sealed record JoinWithSpaces : TokenDecoder
    {
        public override DecoderStage CreateStage(DecoderStage next, bool fused) => new MapTokenStage(next, static (token, index) => index == 0 ? token : " " + token);
    }

    public sealed record Sequence(IReadOnlyList<TokenDecoder> Parts) : TokenDecoder
    {
        public override bool Fuses => Parts.Any(part => part.Fuses);

        public override DecoderStage CreateStage(DecoderStage next, bool fused)
        {
            for (int i = Parts.Count - 1; i >= 0; i--)
            {
                next = Parts[i].CreateStage(next, fused || Parts.Take(i).Any(part => part.Fuses));
            }

            return next;
        }
    }
}
