using System.Globalization;
using Moesaic.Cli.Hosting;
using Moesaic.Cli.Input;
using Moesaic.Cli.Output;
using Moesaic.Engine;
using Moesaic.Models.Decoder;

namespace Moesaic.Cli.Verbs;

internal static class ScoreCommand
{
    public static async Task<int> RunAsync(ScoreOptions options, Terminal terminal, CancellationToken cancellationToken)
    {
        string? given = PlainText.Single(options.Text, "text");
        options.Check(given is not null);
        EngineOptions engine = ModelLoading.Check(options) with { LoadMtp = options.MtpLogits is not null };
        IdsFile? ids = options.Ids is null ? null : IdsFile.Read(options.Ids);
        IReadOnlyList<int[]>? inputs = ids?.DecoderRows is null ? null : MaskedIds.Of(ids);
        if (inputs is not null && options.KvFormat is null)
        {
            // The format that such models want; their cache is that of one sequence.
            engine = engine with { KvFormat = KvFormat.F32 };
        }

        bool wantsLogits = options.Logits is not null || options.MtpLogits is not null;
        if (wantsLogits)
        {
            ids?.CheckOneLength();
        }

        string? text = ids is null ? await ReadTextAsync(options, given, terminal, cancellationToken).ConfigureAwait(false) : null;
        using ModelRuntime runtime = ModelLoading.Load(options, engine with { Accept = model => CheckKind(model, ids) }, terminal, cancellationToken);
        if (options.MtpLogits is not null && runtime.Description.MtpLayers.IsEmpty)
        {
            throw new UsageException($"--mtp-logits: {runtime.Name} has no multi-token-prediction layer");
        }

        ids?.CheckIds(runtime.VocabularySize);
        ids?.CheckContext(runtime.MaxContext);
        IReadOnlyList<int[]> rows = ids is not null ? ids.DecoderRows ?? ids.Rows : [[.. runtime.Tokenizer.Encode(text!, addSpecialTokens: true)]];
        if (rows[0].Length == 0)
        {
            throw new UsageException("the text is empty");
        }

        using LogitsFiles? files = wantsLogits ? new(options.Logits, options.MtpLogits, rows.Count, rows[0].Length, runtime.Description.VocabularySize) : null;
        SequenceScore[] scores = inputs is null ? Score(runtime, rows, files, cancellationToken) : Score(runtime, inputs, rows, files, cancellationToken);
        files?.Complete();
        if (options.Json)
        {
            WriteJson(inputs, rows, scores, terminal);
        }
        else
        {
            WriteLines(rows, scores, runtime, terminal);
        }

        return ExitCodes.Success;
    }

    /// <summary>Whether what is given is what a model of this kind reads; asked before its weights are loaded.</summary>
    private static void CheckKind(DecoderDescription model, IdsFile? ids)
    {
        if (model.Encoder is null && ids?.DecoderRows is not null)
        {
            throw new UsageException($"{ids.Path}: decoder_ids are for encoder-decoders, and {model.Family} is a decoder alone; expected ids alone");
        }

        if (model.Encoder is not null && ids is null)
        {
            throw new UsageException($"{model.Family} is an encoder-decoder, which scores an output after an input; instead of a text give --ids FILE with {{\"ids\": [[...]], \"decoder_ids\": [[...]]}}");
        }

        if (model.Encoder is not null && ids!.DecoderRows is null)
        {
            string begin = model.StartId is { } start ? $", which begins with the token {start}" : "";
            throw new UsageException($"{ids.Path}: decoder_ids is missing: {model.Family} is an encoder-decoder, whose encoder reads ids; expected decoder_ids with a row for each of the {ids.Rows.Count} of ids{begin}");
        }
    }

    private static SequenceScore[] Score(ModelRuntime runtime, IReadOnlyList<int[]> rows, LogitsFiles? files, CancellationToken cancellationToken)
    {
        using Scorer scorer = runtime.CreateScorer(files?.Mtp is not null);
        return scorer.Score(rows, files?.Main, files?.Mtp, cancellationToken);
    }

    private static SequenceScore[] Score(ModelRuntime runtime, IReadOnlyList<int[]> inputs, IReadOnlyList<int[]> rows, LogitsFiles? files, CancellationToken cancellationToken)
    {
        using EncoderDecoderScorer scorer = runtime.CreateEncoderDecoderScorer(inputs.Max(static i => i.Length), rows.Max(static r => r.Length));
        return scorer.Score(inputs, rows, files?.Main, cancellationToken);
    }

    private static async Task<string> ReadTextAsync(ScoreOptions options, string? given, Terminal terminal, CancellationToken cancellationToken) =>
        options.TextFile is { } file
            ? Utf8Text.File("--file", file)
            : await PlainText.OrStandardInputAsync(given, terminal, cancellationToken).ConfigureAwait(false);

    private static double Perplexity(SequenceScore[] scores) =>
        Math.Exp(-scores.Sum(s => s.SumLogprob) / scores.Sum(s => s.Logprobs.Length));

    private static void WriteJson(IReadOnlyList<int[]>? inputs, IReadOnlyList<int[]> rows, SequenceScore[] scores, Terminal terminal) =>
        terminal.Output.WriteLine(JsonText.Object(writer =>
        {
            writer.WriteStartArray("sequences");
            for (int i = 0; i < scores.Length; i++)
            {
                writer.WriteStartObject();
                writer.WriteIds("ids", (inputs ?? rows)[i]);
                if (inputs is not null)
                {
                    writer.WriteIds("decoder_ids", rows[i]);
                }

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
