using System.Text;

namespace Moesaic.Cli.BenchServe;

/// <summary>
/// Prompts of random tokens. The tokens are those of a made-up text, so that every id exists, whatever the vocabulary, and none
/// is special.
/// </summary>
/// <param name="InputLength">Tokens of a prompt without the prefix, at least 1.</param>
/// <param name="OutputLength">Tokens to generate, at least 1.</param>
/// <param name="RangeRatio">Lengths are drawn from length * (1 - ratio), rounded down, to length * (1 + ratio), rounded up; in [0, 1).</param>
/// <param name="PrefixLength">Tokens in front that all share.</param>
/// <param name="AsText">Whether prompts are text; the host's count of its tokens may differ from the length by some.</param>
internal sealed record RandomPrompts(int InputLength, int OutputLength, double RangeRatio, int PrefixLength, bool AsText)
{
    private const int NumWords = 4000;
    private const int MaxSyllables = 4;
    private const string Consonants = "bcdfghjklmnprstvwz";
    private const string Vowels = "aeiou";

    public async Task<List<BenchPrompt>> DrawAsync(int count, BenchRandom random, IPromptCodec codec, CancellationToken cancellationToken)
    {
        int[] pool = [.. (await codec.EncodeAsync(MadeUpText(random), cancellationToken).ConfigureAwait(false)).Distinct().Order()];
        if (pool.Length == 0)
        {
            throw new HostException("the tokenizer makes no tokens of a text; random prompts cannot be drawn");
        }

        int[] prefix = Ids(PrefixLength, pool, random);
        List<BenchPrompt> prompts = new(count);
        for (int i = 0; i < count; i++)
        {
            int[] ids = [.. prefix, .. Ids(Length(InputLength, random), pool, random)];
            string? text = AsText ? await codec.DecodeAsync(ids, cancellationToken).ConfigureAwait(false) : null;
            prompts.Add(new BenchPrompt
            {
                Ids = AsText ? null : ids,
                Text = text,
                NumTokens = ids.Length,
                OutputTokens = Length(OutputLength, random),
            });
        }

        return prompts;
    }

    private int Length(int length, BenchRandom random)
    {
        int low = Math.Max(1, (int)Math.Floor(length * (1 - RangeRatio)));
        int high = Math.Max(low, (int)Math.Min(int.MaxValue - 1, Math.Ceiling(length * (1 + RangeRatio))));
        return random.Between(low, high);
    }

    private static int[] Ids(int count, int[] pool, BenchRandom random)
    {
        int[] ids = new int[count];
        for (int i = 0; i < count; i++)
        {
            ids[i] = pool[random.Next(pool.Length)];
        }

        return ids;
    }

    private static string MadeUpText(BenchRandom random)
    {
        StringBuilder text = new();
        for (int w = 0; w < NumWords; w++)
        {
            for (int s = random.Between(1, MaxSyllables); s > 0; s--)
            {
                text.Append(Consonants[random.Next(Consonants.Length)]).Append(Vowels[random.Next(Vowels.Length)]);
            }

            text.Append(' ');
        }

        return text.ToString();
    }
}
