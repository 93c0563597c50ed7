using System.Runtime.InteropServices;

namespace Moesaic.Engine;

/// <summary>What a step has drawn, sample by sample. Preallocated; valid until the step after next is enqueued.</summary>
internal sealed class StepResults
{
    private readonly int _maxSamples;
    private readonly int[] _words;
    private readonly List<PromptScores> _scored;

    /// <param name="maxSamples">Samples of a step.</param>
    /// <param name="maxAlternatives">Alternatives of a sample.</param>
    public StepResults(int maxSamples, int maxAlternatives = SamplingParameters.MaxTopLogprobs)
    {
        _maxSamples = maxSamples;
        _words = new int[maxSamples * (2 + (2 * maxAlternatives))];
        _scored = new List<PromptScores>(maxSamples);
    }

    /// <summary>The step that these are of.</summary>
    public long Step { get; private set; }

    public int NumSamples { get; private set; }

    /// <summary>Alternatives kept of each sample: as many as the most demanding one wants.</summary>
    public int NumAlternatives { get; private set; }

    /// <summary>[samples] drawn ids; negative where nothing could be drawn.</summary>
    public Span<int> Ids => _words.AsSpan(0, NumSamples);

    /// <summary>[samples]</summary>
    public Span<float> Logprobs => MemoryMarshal.Cast<int, float>(_words.AsSpan(_maxSamples, NumSamples));

    /// <summary>Prompts whose log-probabilities are complete with this step.</summary>
    public List<PromptScores> Scored => _scored;

    /// <summary>The numbers as they lie in the device's buffer: ids, log-probabilities, alternatives' ids, their log-probabilities.</summary>
    public Span<int> Words => _words.AsSpan(0, WordsBefore(NumSamples, NumAlternatives));

    /// <summary>Where a number of a sample lies in <see cref="Words"/>.</summary>
    public int LogprobWord(int sample) => _maxSamples + sample;

    public int TopIdsWord(int sample) => (2 * _maxSamples) + (sample * NumAlternatives);

    public int TopLogprobsWord(int sample) => (2 * _maxSamples) + ((NumSamples + sample) * NumAlternatives);

    public ReadOnlySpan<int> AlternativeIds(int sample) => _words.AsSpan(TopIdsWord(sample), NumAlternatives);

    public ReadOnlySpan<float> AlternativeLogprobs(int sample) =>
        MemoryMarshal.Cast<int, float>(_words.AsSpan(TopLogprobsWord(sample), NumAlternatives));

    public void Begin(long step, int numSamples, int numAlternatives)
    {
        Step = step;
        NumSamples = numSamples;
        NumAlternatives = numAlternatives;
        _scored.Clear();
    }

    private int WordsBefore(int samples, int alternatives) => samples == 0 ? 0 : (2 * _maxSamples) + (2 * samples * alternatives);
}
