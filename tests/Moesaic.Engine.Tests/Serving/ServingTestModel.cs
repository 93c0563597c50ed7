using System.Text;
using Moesaic.Interop;

namespace Moesaic.Engine.Tests;

/// <summary>What the tests of the concurrent engine share: the embedded model, requests, readers.</summary>
internal static class ServingTestModel
{
    public static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    public static ModelRuntime Embedded(int maxContext = 256, int threads = 2) =>
        ModelRuntime.Load(null, new EngineOptions { MaxContext = maxContext, Device = new DeviceOptions { NumThreads = threads } });

    /// <summary>A prompt that no other kind shares more than its first tokens with.</summary>
    public static int[] Prompt(int kind, int length = 0) =>
        [.. Enumerable.Range(0, length > 0 ? length : 5 + (kind * 7 % 40)).Select(i => 20 + (((i * 37) + (kind * 101)) % 900))];

    /// <summary>A request that draws with penalties, filters and a seed of its own.</summary>
    public static GenerationRequest Asked(int kind, int maxTokens = 24, int length = 0) => new()
    {
        Prompt = Prompt(kind, length),
        Sampling = new SamplingParameters
        {
            Temperature = 0.9f,
            TopK = 50,
            TopP = 0.95f,
            RepetitionPenalty = 1.1f,
            FrequencyPenalty = 0.1f,
            Seed = (ulong)kind + 1000,
            MaxTokens = maxTokens,
            IgnoreEndIds = true,
            TopLogprobs = kind % 3,
        },
    };

    public static Task<Answer> ReadAsync(GenerationSample sample) => ReadCoreAsync(sample).WaitAsync(Limit);

    public static async Task<Answer> AnswerAsync(this InferenceEngine engine, GenerationRequest request) =>
        await ReadAsync(engine.Submit(request).Samples[0]);

    private static async Task<Answer> ReadCoreAsync(GenerationSample sample)
    {
        StringBuilder text = new();
        List<GeneratedToken> tokens = [];
        List<TokenAlternative> alternatives = [];
        await foreach (GenerationEvent step in sample)
        {
            text.Append(step.Text);
            if (step.Token is { } token)
            {
                tokens.Add(token);
                alternatives.AddRange(step.Alternatives);
            }
        }

        return new Answer(text.ToString(), [.. tokens.Select(t => t.Id)], [.. tokens.Select(t => BitConverter.SingleToInt32Bits(t.Logprob))], [.. alternatives], sample.Finish);
    }
}

/// <summary>A whole answer; log-probabilities as bits.</summary>
internal sealed record Answer(string Text, int[] Ids, int[] LogprobBits, TokenAlternative[] Alternatives, FinishReason Finish)
{
    /// <summary>That another one is the same to the last bit.</summary>
    public void AssertIs(Answer other, string what)
    {
        Assert.That(Ids, Is.EqualTo(other.Ids), what);
        Assert.That(LogprobBits, Is.EqualTo(other.LogprobBits), what);
        Assert.That(Alternatives, Is.EqualTo(other.Alternatives), what);
        Assert.That(Text, Is.EqualTo(other.Text), what);
        Assert.That(Finish, Is.EqualTo(other.Finish), what);
    }
}
