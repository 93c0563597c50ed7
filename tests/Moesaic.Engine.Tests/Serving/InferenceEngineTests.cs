using System.Collections.Immutable;
using Moesaic.Scheduling;

namespace Moesaic.Engine.Tests;

/// <summary>The concurrent engine over the embedded model: what requests get.</summary>
internal sealed class InferenceEngineTests
{
    private ModelRuntime _runtime = null!;

    [OneTimeSetUp]
    public void Load() => _runtime = ServingTestModel.Embedded();

    [OneTimeTearDown]
    public void Unload() => _runtime.Dispose();

    [Test]
    public async Task An_answer_is_that_of_the_single_generator()
    {
        using TextGenerator generator = _runtime.CreateGenerator();
        using InferenceEngine engine = new(_runtime);
        foreach (int kind in (int[])[1, 2, 3, 4])
        {
            GenerationRequest asked = ServingTestModel.Asked(kind);
            GenerationResult expected = generator.Complete([.. asked.Prompt.Span], asked.Sampling);
            Answer answer = await engine.AnswerAsync(asked);
            Assert.That(answer.Ids, Is.EqualTo(expected.Ids));
            Assert.That(answer.Text, Is.EqualTo(expected.Text));
            Assert.That(answer.Finish, Is.EqualTo(FinishReason.Length));
        }

        Assert.That(engine.CheckIntegrity(), Is.Null);
    }

    [Test]
    public async Task The_models_end_token_ends_a_greedy_answer()
    {
        using TextGenerator generator = _runtime.CreateGenerator();
        using InferenceEngine engine = new(_runtime);
        int[] prompt = [.. _runtime.EncodeChat([new ChatTurn("user", "define river")])];
        GenerationResult expected = generator.Complete(prompt, new SamplingParameters { Temperature = 0 });
        Generation generation = engine.Submit(new GenerationRequest { Prompt = prompt, Sampling = new SamplingParameters { Temperature = 0 } });
        SubmitResult admission = await generation.Admission.WaitAsync(ServingTestModel.Limit);
        Answer answer = await ServingTestModel.ReadAsync(generation.Samples[0]);
        Assert.That(admission.IsAccepted);
        Assert.That(answer.Text, Is.EqualTo(expected.Text));
        Assert.That(answer.Ids, Is.EqualTo(expected.Ids));
        Assert.That(answer.Finish, Is.EqualTo(FinishReason.StopId));
        Assert.That(generation.Samples[0].MatchedStopId, Is.EqualTo(answer.Ids[^1]));
        Assert.That(generation.Samples[0].NumGenerated, Is.EqualTo(answer.Ids.Length));
        Assert.That(generation.TimeToFirstToken, Is.GreaterThanOrEqualTo(generation.TimeInQueue!.Value));
        Assert.That(generation.TimeToLastToken, Is.GreaterThan(generation.TimeToFirstToken!.Value));
    }

    [Test]
    public async Task Samples_are_those_of_requests_with_their_index()
    {
        using InferenceEngine engine = new(_runtime);
        GenerationRequest asked = ServingTestModel.Asked(5, length: 70);
        Generation generation = engine.Submit(asked with { NumSamples = 6 });
        Answer[] together = await Task.WhenAll(generation.Samples.Select(ServingTestModel.ReadAsync));
        for (uint i = 0; i < together.Length; i++)
        {
            Answer alone = await engine.AnswerAsync(asked with { Sampling = asked.Sampling with { SampleIndex = i } });
            together[i].AssertIs(alone, $"sample {i}");
        }

        Assert.That(together.Select(t => string.Join(' ', t.Ids)).Distinct().Count(), Is.GreaterThan(1));
        Assert.That(engine.CheckIntegrity(), Is.Null);
    }

    [Test]
    public async Task Log_probabilities_of_the_prompt_are_the_scorers()
    {
        using Scorer scorer = _runtime.CreateScorer();
        using InferenceEngine engine = new(_runtime, new ServingOptions { MaxTokensPerStep = 72 });
        int[] prompt = ServingTestModel.Prompt(9, length: 90);
        float[] expected = scorer.Score([prompt])[0].Logprobs;
        Generation generation = engine.Submit(new GenerationRequest
        {
            Prompt = prompt,
            PromptLogprobs = 3,
            Sampling = new SamplingParameters { MaxTokens = 0 },
        });
        ImmutableArray<PromptTokenLogprob> scores = await generation.PromptLogprobs!.WaitAsync(ServingTestModel.Limit);
        Assert.That(scores.Select(s => s.Id), Is.EqualTo(prompt));
        Assert.That(scores[0].Logprob, Is.Null);
        Assert.That(scores.Skip(1).Select(s => s.Logprob!.Value), Is.EqualTo(expected));
        foreach (PromptTokenLogprob score in scores.Skip(1))
        {
            Assert.That(score.Alternatives, Has.Length.EqualTo(3));
            Assert.That(score.Alternatives.Count(a => a.Logprob > score.Logprob), Is.EqualTo(Math.Min(3, score.Rank!.Value - 1)));
        }

        Answer answer = await ServingTestModel.ReadAsync(generation.Samples[0]);
        Assert.That(answer.Ids, Is.Empty);
        Assert.That(answer.Finish, Is.EqualTo(FinishReason.Length));
    }
}
