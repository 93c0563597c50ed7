using System.Diagnostics;
using Moesaic.Engine.Benchmarking;
using Moesaic.Interop;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Decoder;
using Moesaic.Models.Synthetic;
using Moesaic.Scheduling;

namespace Moesaic.Engine.Tests;

/// <summary>What sharing steps is for: several streams together get more tokens a second than one.</summary>
[NonParallelizable]
internal sealed class ThroughputTests
{
    private const int Streams = 8;
    private const int Tokens = 24;
    private const int Rounds = 5;

    /// <summary>A dense model of SmolLM2's shape. Both rates are measured in turns, so that noise of the machine meets both.</summary>
    [Test]
    public async Task Eight_streams_get_a_multiple_of_one_streams_tokens()
    {
        using SyntheticModel synthetic = SyntheticModel.Create(SyntheticShape.SmolLm2, ElementFormat.Q8_0, 1L << 30);
        using BenchmarkModel model = BenchmarkModel.Load(synthetic, new DeviceOptions());
        ExecutorOptions bounds = new() { MaxTokens = 256, MaxSequences = Streams, MaxLogitRows = Streams, MaxContext = 256 };
        int vocabulary = model.Decoder.Description.VocabularySize;
        SchedulerOptions policy = new()
        {
            KvGroups = [new KvGroupOptions { NumBlocks = Streams * 256 / bounds.PageTokens, BlockTokens = bounds.PageTokens }],
            MaxContext = 256,
            MaxSequences = Streams,
            MaxTokensPerStep = bounds.MaxTokens,
        };
        using EngineLoop loop = new(policy, new ModelStepExecutor(new StepRunner(model.Decoder, bounds, vocabulary)), TimeProvider.System);
        await RunAsync(loop, vocabulary, Streams);
        List<double> ratios = [];
        List<double> one = [];
        for (int i = 0; i < Rounds; i++)
        {
            double single = await RunAsync(loop, vocabulary, 1);
            double together = await RunAsync(loop, vocabulary, Streams);
            one.Add(single);
            ratios.Add(together / single);
        }

        ratios.Sort();
        one.Sort();
        bool wide = model.Device.Info.InstructionSet == InstructionSet.Avx512;
        double least = wide ? 3 : 2;
        double ratio = ratios[Rounds / 2];
        TestContext.Out.WriteLine($"{model.Name} on {model.Device.Info.InstructionSet}: {one[Rounds / 2]:0.0} tokens/s with one stream; {Streams} streams get {ratio:0.00}x (rounds {string.Join(", ", ratios.Select(static r => r.ToString("0.00", null)))})");
        Assert.That(ratio, Is.GreaterThanOrEqualTo(least));
    }

    /// <summary>Tokens a second from the first token of the first stream to the last one.</summary>
    private static async Task<double> RunAsync(EngineLoop loop, int vocabulary, int streams)
    {
        SamplingParameters greedy = new() { Temperature = 0 };
        long started = Stopwatch.GetTimestamp();
        ServedRequest[] requests = [.. Enumerable.Range(0, streams).Select(i => loop.Submit(
            new RequestOptions { Prompt = new int[] { 1, 2 + i, 3 }, MaxTokens = Tokens },
            s => new DrawState(greedy, 1, 0, [], new HashSet<int>(), vocabulary, 1)))];
        foreach (ServedRequest request in requests)
        {
            while (await request.Samples[0].WaitAsync())
            {
                while (request.Samples[0].TryRead(out _))
                {
                }
            }
        }

        return streams * Tokens / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }
}
