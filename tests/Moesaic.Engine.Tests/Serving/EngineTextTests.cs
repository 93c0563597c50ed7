using System.Collections.Immutable;

namespace Moesaic.Engine.Tests;

/// <summary>How answers end, and which tokens may be drawn.</summary>
internal sealed class EngineTextTests : IDisposable
{
    private ModelRuntime _runtime = null!;
    private InferenceEngine _engine = null!;

    [OneTimeSetUp]
    public void Load()
    {
        _runtime = ServingTestModel.Embedded();
        _engine = new InferenceEngine(_runtime);
    }

    public void Dispose()
    {
        _engine.Dispose();
        _runtime.Dispose();
    }

    [Test]
    public async Task A_stop_string_across_tokens_ends_the_answer_and_frees_its_blocks([Values] bool include)
    {
        GenerationRequest asked = Greedy(60);
        Answer whole = await _engine.AnswerAsync(asked);
        int at = whole.Text.Length / 2;
        string stop = whole.Text.Substring(at, 9);
        at = whole.Text.IndexOf(stop, StringComparison.Ordinal);
        Assert.That(_runtime.Tokenizer.Encode(stop, addSpecialTokens: false), Has.Count.GreaterThan(1), "the stop string spans tokens");
        GenerationRequest stopping = asked with
        {
            Sampling = asked.Sampling with { StopStrings = ["never seen", stop], MaxTokens = 200 },
            IncludeStopString = include,
        };

        // Steps are held, so that the sequence can't just come to its end meanwhile.
        using SemaphoreSlim steps = new(whole.Ids.Length);
        using InferenceEngine engine = new(_runtime, new ServingOptions(), inner => new GatedExecutor(inner)
        {
            OnCollect = _ => Assert.That(steps.Wait(ServingTestModel.Limit)),
        });
        GenerationSample sample = engine.Submit(stopping).Samples[0];
        Answer answer = await ServingTestModel.ReadAsync(sample);
        Assert.That(answer.Text, Is.EqualTo(whole.Text[..(include ? at + stop.Length : at)]));
        Assert.That(answer.Finish, Is.EqualTo(FinishReason.StopString));
        Assert.That(sample.MatchedStopString, Is.EqualTo(stop));
        Assert.That(sample.NumGenerated, Is.LessThan(whole.Ids.Length));
        steps.Release(1);
        bool freed = SpinWait.SpinUntil(() => engine.Statistics().BlocksUsed == 0, TimeSpan.FromSeconds(30));
        steps.Release(1000);
        Assert.That(freed);
        Assert.That(engine.CheckIntegrity(), Is.Null);
    }

    [Test]
    public async Task Neither_end_tokens_nor_stop_strings_end_an_answer_that_is_too_short()
    {
        GenerationRequest asked = Greedy(40);
        Answer free = await _engine.AnswerAsync(asked);
        int first = free.Ids[3];
        SamplingParameters stopping = asked.Sampling with { StopIds = [first], StopStrings = [free.Text[..2]] };
        Answer stopped = await _engine.AnswerAsync(asked with { Sampling = stopping });
        Assert.That(stopped.Finish, Is.EqualTo(FinishReason.StopString));
        Answer kept = await _engine.AnswerAsync(asked with { Sampling = stopping with { MinTokens = 20 } });
        Assert.That(kept.Ids, Has.Length.GreaterThanOrEqualTo(20));
        Assert.That(kept.Ids.Take(20), Has.None.EqualTo(first));
        using TextGenerator generator = _runtime.CreateGenerator();
        GenerationResult alone = generator.Complete([.. asked.Prompt.Span], stopping with { MinTokens = 20 });
        Assert.That(kept.Ids, Is.EqualTo(alone.Ids));
        Assert.That(kept.Text, Is.EqualTo(alone.Text));
    }

    [Test]
    public async Task Only_allowed_tokens_are_drawn()
    {
        int[] allowed = [40, 41, 300];
        GenerationRequest asked = ServingTestModel.Asked(2, 30);
        Answer answer = await _engine.AnswerAsync(asked with { Sampling = asked.Sampling with { AllowedIds = [.. allowed] } });
        Assert.That(answer.Ids, Has.Length.EqualTo(30));
        Assert.That(answer.Ids.Distinct(), Is.SubsetOf(allowed));
    }

    [Test]
    public async Task Banned_sequences_are_not_drawn_and_their_beginnings_are([Values] bool withFirstBiases)
    {
        GenerationRequest asked = Greedy(40);
        asked = asked with { Sampling = asked.Sampling with { Temperature = 0, IgnoreEndIds = !withFirstBiases, MinTokens = withFirstBiases ? 40 : 0 } };
        int[] free = (await _engine.AnswerAsync(asked)).Ids;
        ImmutableArray<ImmutableArray<int>> banned = [[.. free[3..6]], [free[0]], [free[3]], [free[0], free[3]], [1, 2, 3, 4, 5, 6, 7, 8]];
        SamplingParameters sampling = asked.Sampling with { BannedSequences = [banned[0], banned[^1]] };
        Answer answer = await _engine.AnswerAsync(asked with { Sampling = sampling });
        Assert.That(answer.Ids[..5], Is.EqualTo(free[..5]), "a beginning is no sequence");
        Assert.That(answer.Ids[5], Is.Not.EqualTo(free[5]));
        Answer both = await _engine.AnswerAsync(asked with { Sampling = sampling with { BannedSequences = banned, LogitBias = ImmutableDictionary<int, float>.Empty.Add(free[3], 1).Add(free[4], 2).Add(free[1], -1) } });
        Assert.That(both.Ids, Has.None.EqualTo(free[0]));
        foreach (ImmutableArray<int> sequence in banned)
        {
            Assert.That(Enumerable.Range(0, both.Ids.Length - sequence.Length + 1).Any(i => both.Ids.AsSpan(i, sequence.Length).SequenceEqual(sequence.AsSpan())), Is.False);
        }

        using TextGenerator generator = _runtime.CreateGenerator();
        Assert.That(generator.Complete([.. asked.Prompt.Span], sampling).Ids, Is.EqualTo(answer.Ids), "alone the same");
        Assert.That(() => _engine.Submit(asked with { Sampling = sampling with { BannedSequences = [[]] } }), Throws.ArgumentException);
        Assert.That(() => _engine.Submit(asked with { Sampling = sampling with { BannedSequences = [[-1]] } }), Throws.ArgumentException);
    }

    [Test]
    public async Task Where_nothing_can_be_drawn_that_sequence_alone_ends()
    {
        GenerationRequest[] good = [.. Enumerable.Range(0, 6).Select(i => ServingTestModel.Asked(i, 20))];
        Answer[] alone = new Answer[good.Length];
        for (int i = 0; i < good.Length; i++)
        {
            alone[i] = await _engine.AnswerAsync(good[i]);
        }

        GenerationRequest asked = ServingTestModel.Asked(50, 20);
        GenerationRequest bad = asked with
        {
            Sampling = asked.Sampling with { AllowedIds = [40], LogitBias = ImmutableDictionary<int, float>.Empty.Add(40, float.NegativeInfinity) },
        };
        Task<Answer>[] together = [.. good.Take(3).Select(_engine.AnswerAsync)];
        Generation failed = _engine.Submit(bad);
        Task<Answer>[] after = [.. good.Skip(3).Select(_engine.AnswerAsync)];
        Answer none = await ServingTestModel.ReadAsync(failed.Samples[0]);
        Assert.That(none.Ids, Is.Empty);
        Assert.That(none.Finish, Is.EqualTo(FinishReason.Failed));
        Assert.That(failed.Samples[0].Error!.Message, Does.Contain("to draw"));
        Answer[] rest = await Task.WhenAll([.. together, .. after]);
        for (int i = 0; i < rest.Length; i++)
        {
            rest[i].AssertIs(alone[i], $"request {i}");
        }
    }

    [Test]
    public async Task Without_text_ids_come_all_the_same()
    {
        GenerationRequest asked = ServingTestModel.Asked(4, 20);
        Answer text = await _engine.AnswerAsync(asked);
        Answer ids = await _engine.AnswerAsync(asked with { WantsText = false });
        ids.AssertIs(text with { Text = string.Empty }, "ids only");
        Assert.That(() => _engine.Submit(asked with { WantsText = false, Sampling = asked.Sampling with { StopStrings = ["x"] } }), Throws.ArgumentException);
    }

    [Test]
    public void Impossible_requests_are_refused_at_once()
    {
        GenerationRequest asked = ServingTestModel.Asked(1);
        Assert.That(() => _engine.Submit(asked with { Prompt = Array.Empty<int>() }), Throws.ArgumentException);
        Assert.That(() => _engine.Submit(asked with { Prompt = new[] { 1, -1 } }), Throws.ArgumentException.With.Message.Contains("-1"));
        Assert.That(() => _engine.Submit(asked with { Prompt = new[] { int.MaxValue } }), Throws.ArgumentException);
        Assert.That(() => _engine.Submit(asked with { Prompt = new int[257] }), Throws.TypeOf<ContextExceededException>());
        Assert.That(() => _engine.Submit(asked with { NumSamples = 0 }), Throws.ArgumentException);
        Assert.That(() => _engine.Submit(asked with { PromptLogprobs = 129 }), Throws.ArgumentException);
        Assert.That(() => _engine.Submit(asked with { Sampling = asked.Sampling with { TopP = 0 } }), Throws.ArgumentException);
        Assert.That(_engine.Submit(asked with { NumSamples = 65 }).Admission.WaitAsync(ServingTestModel.Limit).Result.Reason, Is.EqualTo(Scheduling.RejectionReason.TooManySamples));
    }

    [Test]
    public void Impossible_bounds_are_named()
    {
        (ServingOptions Options, string Name)[] cases =
        [
            (new() { MaxSequences = 0 }, "MaxSequences"),
            (new() { MaxTokensPerStep = 63 }, "MaxTokensPerStep"),
            (new() { MaxPrefillChunk = 0 }, "MaxPrefillChunk"),
            (new() { KvCacheBytes = 0 }, "KvCacheBytes"),
            (new() { BlockTokens = 24 }, "BlockTokens"),
            (new() { MaxWaiting = 0 }, "MaxWaiting"),
        ];
        foreach ((ServingOptions options, string name) in cases)
        {
            Assert.That(() => new InferenceEngine(_runtime, options), Throws.ArgumentException.With.Message.StartsWith(name));
        }

        Assert.That(() => new InferenceEngine(_runtime, new ServingOptions { KvCacheBytes = 1000 }), Throws.ArgumentException.With.Message.Contains("1000 bytes"));
    }

    private static GenerationRequest Greedy(int maxTokens) => new()
    {
        Prompt = ServingTestModel.Prompt(3),
        Sampling = new SamplingParameters { Temperature = 0.7f, Seed = 11, MaxTokens = maxTokens, IgnoreEndIds = true },
    };
}
