using Moesaic.Cli.Hosting;
using Moesaic.Cli.Input;
using Moesaic.Cli.Output;
using Moesaic.Engine;
using Moesaic.Models.Decoder;
using Moesaic.Models.Encoder;
using Moesaic.Models.Export;
using Moesaic.Models.Families;

namespace Moesaic.Cli.Verbs;

internal static class QuantizeCommand
{
    public static Task<int> RunAsync(QuantizeOptions options, Terminal terminal, CancellationToken cancellationToken)
    {
        (string source, string target) = Check(options);
        QuantisationMix mix = Choice.Parse("--type", options.Type, QuantisationMix.All[0], [.. QuantisationMix.All.Select(m => (m.Name, m))]);
        EngineOptions engine = new() { Device = ModelLoading.Device(null, options.Threads) };
        bool isEncoder = OpenedEncoder.IsEncoder(source);
        if (isEncoder && (options.Calibration ?? options.Evaluate) is not null)
        {
            throw new UsageException($"{(options.Calibration is null ? "--evaluate" : "--calibration")}: {source} is an encoder, which predicts no text");
        }

        string? calibration = options.Calibration is { } c ? Utf8Text.File("--calibration", c) : null;
        string? evaluation = options.Evaluate is { } e ? Utf8Text.File("--evaluate", e) : null;
        ImportanceMatrix? importance = null;
        double? before = null, after = null;
        if (calibration is not null || evaluation is not null)
        {
            using ModelRuntime runtime = Load(source, engine, terminal, cancellationToken);
            using Scorer scorer = runtime.CreateScorer();
            importance = calibration is null ? null : Calibrate(runtime, scorer, calibration, options.Chunk, cancellationToken);
            before = evaluation is null ? null : Perplexity(runtime, scorer, evaluation, options.Chunk, cancellationToken);
        }

        ExportReport report = Write(source, isEncoder, target, mix, importance, options, terminal, cancellationToken);
        if (evaluation is not null)
        {
            using ModelRuntime runtime = Load(target, engine, terminal, cancellationToken);
            using Scorer scorer = runtime.CreateScorer();
            after = Perplexity(runtime, scorer, evaluation, options.Chunk, cancellationToken);
        }

        QuantizeOutput output = new(report, mix, importance?.Count, before, after);
        if (options.Json)
        {
            terminal.Output.WriteLine(output.Json());
        }
        else
        {
            output.WriteTable(terminal.Output);
        }

        return Task.FromResult(ExitCodes.Success);
    }

    private static (string Source, string Target) Check(QuantizeOptions options)
    {
        if (options.Paths.ToArray() is not [string source, string target])
        {
            throw new UsageException("expected two paths: the checkpoint's folder and the file to write");
        }

        OutputFile.Check("OUT", target);
        if (!target.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase))
        {
            throw new UsageException($"{target}: the name of the file to write must end in .gguf");
        }

        if (!options.Force && File.Exists(target))
        {
            throw new UsageException($"{target} is there already; choose another name, or replace it with --force");
        }

        return options.Chunk is >= 2 and <= 1 << 20 ? (source, target) : throw new UsageException($"--chunk is {options.Chunk}; expected 2 to {1 << 20}");
    }

    private static ExportReport Write(string source, bool isEncoder, string target, QuantisationMix mix, ImportanceMatrix? importance, QuantizeOptions options, Terminal terminal, CancellationToken cancellationToken)
    {
        using OpenedEncoder? encoder = isEncoder ? OpenedEncoder.Open(source) : null;
        using OpenedModel? model = isEncoder ? null : OpenedModel.Open(source);
        using LoadingBar bar = new(terminal, "quantising");
        ExportOptions export = new()
        {
            Mix = mix,
            Importance = importance,
            Overwrites = options.Force,
            Threads = options.Threads ?? 0,
            Progress = progress => bar.Report(progress.ElementsDone, progress.ElementsTotal),
            Cancellation = cancellationToken,
        };
        ExportReport report = encoder is null ? GgufExporter.Write(model!, target, export) : GgufExporter.Write(encoder, target, export);
        foreach (IGrouping<string, IgnoredTensor> left in report.LeftOut.GroupBy(t => t.Reason))
        {
            bar.Say($"left out: {left.First().Tensor.Name}{(left.Count() > 1 ? $" and {left.Count() - 1} more" : "")} ({left.Key})");
        }

        if (!report.HasTokenizer)
        {
            bar.Say($"{source} has no tokenizer; the file takes token ids alone");
        }

        return report;
    }

    private static ModelRuntime Load(string path, EngineOptions engine, Terminal terminal, CancellationToken cancellationToken)
    {
        using LoadingBar bar = new(terminal);
        return ModelRuntime.Load(path, engine with { Progress = bar.Report, Cancellation = cancellationToken });
    }

    private static ImportanceMatrix Calibrate(ModelRuntime runtime, Scorer scorer, string text, int chunk, CancellationToken cancellationToken)
    {
        ImportanceMatrix importance = new();
        scorer.Calibrate(Pieces(runtime, "--calibration", text, Math.Min(chunk, scorer.MaxContext)), importance, cancellationToken);
        return importance;
    }

    private static double Perplexity(ModelRuntime runtime, Scorer scorer, string text, int chunk, CancellationToken cancellationToken)
    {
        SequenceScore[] scores = scorer.Score(Pieces(runtime, "--evaluate", text, Math.Min(chunk, scorer.MaxContext)), cancellationToken);
        return Math.Exp(-scores.Sum(s => s.SumLogprob) / scores.Sum(s => s.Logprobs.Length));
    }

    // A last piece of one token predicts nothing.
    private static int[][] Pieces(ModelRuntime runtime, string option, string text, int chunk)
    {
        int[][] pieces = [.. runtime.Tokenizer.Encode(text, addSpecialTokens: true).Chunk(chunk).Where(piece => piece.Length > 1)];
        return pieces.Length > 0 ? pieces : throw new UsageException($"{option}: the text has fewer than two tokens");
    }
}
