using Moesaic.Interop;
using Moesaic.Models.Decoder;
using Moesaic.Scheduling;

namespace Moesaic.Engine;

/// <summary>Runs one scheduled step: block copies, the model, the draws, log-probabilities of prompts. Allocates nothing while it decodes.</summary>
/// <remarks>One thread at a time.</remarks>
internal sealed class StepRunner : IDisposable
{
    private readonly DecoderExecutor _executor;
    private readonly StepSampler _sampler;
    private readonly PromptScorer _scorer;
    private readonly int[] _tokenIds;

    /// <param name="decoder">The model.</param>
    /// <param name="options">Arithmetic and bounds, those of the scheduler.</param>
    /// <param name="vocabularySize">Tokens that may be drawn; the decoder's rows past them are padding.</param>
    public StepRunner(LoadedDecoder decoder, ExecutorOptions options, int vocabularySize)
    {
        _tokenIds = new int[options.MaxTokens];
        MaxSequences = options.MaxSequences;
        try
        {
            _executor = new DecoderExecutor(decoder, options);
            _sampler = new StepSampler(decoder.Device, options.MaxSequences, vocabularySize);
            _scorer = new PromptScorer(decoder.Device, options.MaxLogitRows, vocabularySize);
        }
        catch
        {
            _sampler?.Dispose();
            _executor?.Dispose();
            throw;
        }
    }

    public int MaxSequences { get; }

    /// <param name="step">What to run.</param>
    /// <param name="before">What the step before drew, for the placeholders.</param>
    /// <param name="results">Receives what is drawn.</param>
    public void Run(ScheduledStep step, StepResults before, StepResults results)
    {
        for (int g = 0; g < _executor.NumKvGroups; g++)
        {
            ReadOnlySpan<int> sources = step.CopySources(g);
            if (sources.Length > 0)
            {
                _executor.CopyPages(g, sources, step.CopyTargets(g));
            }
        }

        FillTokenIds(step, before);
        _executor.Run(new BatchContent
        {
            TokenIds = _tokenIds.AsSpan(0, step.NumTokens),
            Positions = step.Positions,
            QueryOffsets = step.QueryOffsets,
            LogitRows = step.LogitRows,
            PageTables = step.PageTables,
            PagesStride = step.PagesStride,
        });
        results.Begin(step.Id, step.NumSamples, StepSampler.AlternativesOf(step));
        _sampler.Draw(_executor.Stream, _executor.Logits, step, results);
        _scorer.Score(_executor.Stream, _executor.Logits, step, results.Scored);
        _executor.Stream.Synchronize();
    }

    public void Dispose()
    {
        _scorer.Dispose();
        _sampler.Dispose();
        _executor.Dispose();
    }

    private void FillTokenIds(ScheduledStep step, StepResults before)
    {
        Span<int> ids = _tokenIds.AsSpan(0, step.NumTokens);
        step.TokenIds.CopyTo(ids);
        ReadOnlySpan<int> rows = step.PlaceholderRows;
        ReadOnlySpan<int> samples = step.PlaceholderSamples;
        ReadOnlySpan<int> drawn = before.Step == step.SourceStep ? before.Ids : [];
        for (int i = 0; i < rows.Length; i++)
        {
            // Where nothing was drawn the sequence has ended: the row is dropped, and any id will do.
            ids[rows[i]] = samples[i] < drawn.Length ? Math.Max(0, drawn[samples[i]]) : 0;
        }
    }
}
