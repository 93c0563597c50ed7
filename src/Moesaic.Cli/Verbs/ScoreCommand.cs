using System.Globalization;
using Moesaic.Cli.Hosting;
using Moesaic.Cli.Input;
using Moesaic.Cli.Output;
using Moesaic.Engine;

namespace Moesaic.Cli.Verbs;

internal static class ScoreCommand
{
    public static async Task<int> RunAsync(ScoreOptions options, Terminal terminal, CancellationToken cancellationToken)
    {
        string? given = PlainText.Single(options.Text, "text");
        options.Check(given is not null);
        EngineOptions engine = ModelLoading.Check(options) with { LoadMtp = options.MtpLogits is not null };
        IdsFile? ids = options.Ids is null ? null : IdsFile.Read(options.Ids);
        bool wantsLogits = options.Logits is not null || options.MtpLogits is not null;
        if (wantsLogits && ids is not null)
        {
            CheckLengths(ids);
        }

        string? text = ids is null ? await ReadTextAsync(options, given, terminal, cancellationToken).ConfigureAwait(false) : null;
        using ModelRuntime runtime = ModelLoading.Load(options, engine, terminal, cancellationToken);
        if (options.MtpLogits is not null && runtime.Description.MtpLayers.IsEmpty)
        {
            throw new UsageException($"--mtp-logits: {runtime.Name} has no multi-token-prediction layer");
        }

        ids?.CheckIds(runtime.VocabularySize);
        IReadOnlyList<int[]> rows = ids is not null ? ids.Rows : [[.. runtime.Tokenizer.Encode(text!, addSpecialTokens: true)]];
        if (rows[0].Length == 0)
        {
            throw new UsageException("the text is empty");
        }

        using Scorer scorer = runtime.CreateScorer(options.MtpLogits is not null);
        SequenceScore[] scores;
        if (wantsLogits)
        {
            using LogitsFiles files = new(options.Logits, options.MtpLogits, rows.Count, rows[0].Length, runtime.Description.VocabularySize);
            scores = scorer.Score(rows, files.Main, files.Mtp, cancellationToken);
            files.Complete();
        }
        else
        {
            scores = scorer.Score(rows, cancellationToken);
        }

        if (options.Json)
        {
            WriteJson(rows, scores, terminal);
        }
        else
        {
            WriteLines(rows, scores, runtime, terminal);
        }

        return ExitCodes.Success;
    }

    private static void CheckLengths(IdsFile ids)
    {
        for (int r = 1; r < ids.Rows.Count; r++)
        {
            if (ids.Rows[r].Length != ids.Rows[0].Length)
            {
                throw new UsageException($"{ids.Path}: ids[{r}] has {ids.Rows[r].Length} tokens and ids[0] has {ids.Rows[0].Length}; a tensor of logits needs rows of one length");
            }
        }
    }

    private static async Task<string> ReadTextAsync(ScoreOptions options, string? given, Terminal terminal, CancellationToken cancellationToken) =>
        options.TextFile is { } file
            ? Utf8Text.File("--file", file)
            : await PlainText.OrStandardInputAsync(given, terminal, cancellationToken).ConfigureAwait(false);

    private static double Perplexity(SequenceScore[] scores) =>
        Math.Exp(-scores.Sum(s => s.SumLogprob) / scores.Sum(s => s.Logprobs.Length));

    private static void WriteJson(IReadOnlyList<int[]> rows, SequenceScore[] scores, Terminal terminal) =>
        terminal.Output.WriteLine(JsonText.Object(writer =>
        {
            writer.WriteStartArray("sequences");
            for (int i = 0; i < scores.Length; i++)
            {
                writer.WriteStartObject();
                writer.WriteIds("ids", rows[i]);
                writer.WriteStartArray("logprobs");
                foreach (float logprob in scores[i].Logprobs)
                {
                    writer.WriteFiniteValue(logprob);
                }

                writer.WriteEndArray();
                writer.WriteFinite("sum_logprob", scores[i].SumLogprob);
                writer.WriteFinite("perplexity", scores[i].Perplexity);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteNumber("scored_tokens", scores.Sum(s => s.Logprobs.Length));
            writer.WriteFinite("perplexity", Perplexity(scores));
        }));

    private static void WriteLines(IReadOnlyList<int[]> rows, SequenceScore[] scores, ModelRuntime runtime, Terminal terminal)
    {
        for (int i = 0; i < scores.Length; i++)
        {
            for (int t = 1; t < rows[i].Length; t++)
            {
                int id = rows[i][t];
                string token = runtime.HasTokenizer ? "  " + runtime.Tokenizer.IdToToken(id) : "";
                terminal.Output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{id,8}  {scores[i].Logprobs[t - 1],9:F4}{token}"));
            }

            terminal.Output.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"perplexity {scores[i].Perplexity:G6} over {scores[i].Logprobs.Length} tokens"));
        }

        if (scores.Length > 1)
        {
            terminal.Output.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"perplexity {Perplexity(scores):G6} over {scores.Sum(s => s.Logprobs.Length)} tokens in all"));
        }
    }
}
