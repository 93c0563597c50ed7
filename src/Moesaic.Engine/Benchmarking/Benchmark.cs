using System.Collections.Immutable;
using System.Diagnostics;
using Moesaic.Interop;
using Moesaic.Models.Decoder;

namespace Moesaic.Engine.Benchmarking;

/// <summary>
/// Measures prefill and decode of a loaded decoder, and the machine's limits around each of them. The formulas are in
/// the README beside this file.
/// </summary>
public sealed class Benchmark : IDisposable
{
    private const int Seed = 20260102;

    private readonly BenchmarkModel _model;
    private readonly BenchmarkOptions _options;
    private readonly DecoderExecutor _executor;
    private readonly GreedyRows _drawn;
    private readonly MachineLimits _limits;
    private readonly ArithmeticPeak _peak;
    private readonly Random _random = new(Seed);
    private long? _peakResident;

    private Benchmark(BenchmarkModel model, BenchmarkOptions options)
    {
        _model = model;
        _options = options;
        int batch = options.BatchSizes.Max();
        _executor = new DecoderExecutor(model.Decoder, new ExecutorOptions
        {
            Precision = options.Precision,
            KvFormat = options.KvFormat,
            MaxContext = options.PromptLengths.Max() + options.GeneratedTokens,
            MaxSequences = batch,
            MaxTokens = Math.Max(batch, options.PrefillChunk),
            MaxLogitRows = batch,
        });
        _drawn = new GreedyRows(model.Device, batch, model.Decoder.Description.VocabularySize);
        _peak = MachineLimits.PeakOf(model.WeightFormat, options.Precision, model.Device.Info.Features);
        _limits = new MachineLimits(_executor.Stream, _peak);
    }

    /// <summary>Measures.</summary>
    /// <exception cref="ArgumentException">An option is impossible for the model.</exception>
    /// <exception cref="NativeException">The device is out of memory.</exception>
    /// <exception cref="OperationCanceledException">The measurement was cancelled.</exception>
    public static BenchmarkReport Run(BenchmarkModel model, BenchmarkOptions options)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate(model.Decoder.Description);
        using Benchmark benchmark = new(model, options);
        return benchmark.Run();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _drawn.Dispose();
        _executor.Dispose();
    }

    private BenchmarkReport Run()
    {
        ImmutableArray<BenchmarkRow>.Builder rows = ImmutableArray.CreateBuilder<BenchmarkRow>();
        foreach (int batch in _options.BatchSizes)
        {
            foreach (int prompt in _options.PromptLengths)
            {
                rows.AddRange(Measure(prompt, batch));
            }
        }

        return new BenchmarkReport
        {
            Model = _model.Name,
            WeightFormat = _model.WeightFormat,
            KvFormat = _options.KvFormat,
            Precision = _options.Precision,
            Cpu = CpuInfo.Detect(),
            Device = _model.Device.Info,
            Date = DateTimeOffset.UtcNow,
            StoredBytes = _model.StoredBytes,
            WeightBytes = _model.Decoder.WeightBytes,
            ExecutorBytes = _executor.SizeBytes,
            PeakResidentBytes = _peakResident,
            LoadTime = _model.LoadTime,
            ReadBandwidth = Spread.Of(_limits.BytesPerSecond),
            Peak = _peak,
            PeakOperations = Spread.Of(_limits.OperationsPerSecond),
            Repetitions = _options.Repetitions,
            RunsPerStep = _options.RunsPerStep,
            Rows = rows.ToImmutable(),
        };
    }

    private IEnumerable<BenchmarkRow> Measure(int prompt, int batch)
    {
        PreparedStep[] prefill = PreparedStep.Prefill(_executor, prompt, batch, _options.PrefillChunk, _random);
        PreparedStep[] decode = PreparedStep.Decode(_executor, prompt, _options.GeneratedTokens, batch, _random);
        _ = Time(prefill, 1);
        _ = Time(decode, 1);
        _peakResident ??= ResidentMemory.Peak();

        ModelCosts costs = _model.Decoder.Costs;
        double operations = 2 * costs.PrefillMultiplyAdds(prompt) * batch;
        double bytes = Enumerable.Range(prompt + 1, _options.GeneratedTokens).Sum(context => costs.DecodeBytes(_options.KvFormat, context, batch));
        List<Timing> prefills = [];
        List<Timing> decodes = [];
        for (int i = 0; i < _options.Repetitions; i++)
        {
            prefills.Add(TimeBetween(prefill, _limits.MeasureOperations));
            decodes.Add(TimeBetween(decode, _limits.MeasureBytes));
        }

        return
        [
            Row(BenchmarkPhase.Prefill, prompt, 0, batch, (long)prompt * batch, operations, prefills),
            Row(BenchmarkPhase.Decode, prompt, _options.GeneratedTokens, batch, (long)_options.GeneratedTokens * batch, bytes, decodes),
        ];
    }

    private static BenchmarkRow Row(BenchmarkPhase phase, int prompt, int generated, int batch, long tokens, double work, List<Timing> timings) => new(
        phase,
        prompt,
        generated,
        batch,
        Spread.Of(timings.Select(t => tokens / t.Seconds)),
        work,
        Spread.Of(timings.Select(t => t.Limit)),
        Spread.Of(timings.Select(t => work / t.Seconds / t.Limit)),
        timings[0].SecondsOnce is null ? null : Spread.Of(timings.Select(t => t.SecondsOnce!.Value / t.Seconds)),
        (double)timings.Max(t => t.AllocatedBytes) / tokens);

    // The limit right before and right after: the machine of a moment ago may have been another one.
    private Timing TimeBetween(PreparedStep[] steps, Func<double> limit)
    {
        double before = limit();
        double? once = _options.RunsPerStep > 1 ? Time(steps, 1).Seconds : null;
        Timing timing = Time(steps, _options.RunsPerStep);
        return timing with { SecondsOnce = once, Limit = (before + limit()) / 2 };
    }

    private Timing Time(PreparedStep[] steps, int runsPerStep)
    {
        _options.Cancellation.ThrowIfCancellationRequested();
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        long started = Stopwatch.GetTimestamp();
        foreach (PreparedStep step in steps)
        {
            for (int run = 0; run < runsPerStep; run++)
            {
                _executor.Run(step.Content);
            }

            if (!_executor.Logits.IsAbsent)
            {
                _drawn.Draw(_executor.Stream, _executor.Logits);
            }

            _executor.Stream.Synchronize();
        }

        double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        return new Timing(seconds, GC.GetAllocatedBytesForCurrentThread() - allocated, null, 0);
    }

    private readonly record struct Timing(double Seconds, long AllocatedBytes, double? SecondsOnce, double Limit);
}
