namespace Moesaic.Cli.BenchServe;

/// <summary>The prompts of a run out of its dataset.</summary>
internal static class PromptSource
{
    /// <param name="plan">Which, and how many.</param>
    /// <param name="outputTokens">Tokens to generate with recorded prompts; null for what is recorded.</param>
    /// <param name="datasetPath">Of recorded ones, for messages.</param>
    /// <param name="random">Where random ones are drawn from.</param>
    /// <param name="codec">Makes and counts tokens.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public static async Task<List<BenchPrompt>> ReadAsync(
        BenchServePlan plan, int? outputTokens, string? datasetPath, BenchRandom random, IPromptCodec codec, CancellationToken cancellationToken)
    {
        List<BenchPrompt> prompts = plan.Dataset switch
        {
            DatasetKind.Random => await plan.Random.DrawAsync(plan.NumPrompts!.Value, random, codec, cancellationToken).ConfigureAwait(false),
            DatasetKind.Recorded => RecordedPrompts.Parse(datasetPath!, plan.DatasetText, outputTokens),
            _ => await ShareGptPrompts.DrawAsync(datasetPath!, plan.DatasetText, plan.NumPrompts, outputTokens, random, codec, cancellationToken).ConfigureAwait(false),
        };
        int count = plan.NumPrompts ?? prompts.Count;
        if (count > prompts.Count && prompts[0].ArrivalTime is not null)
        {
            throw new UsageException($"--num-prompts is {count}; {datasetPath} has {prompts.Count} requests with times of arrival, which cannot be repeated");
        }

        return [.. Enumerable.Range(0, count).Select(i => prompts[i % prompts.Count])];
    }

    /// <summary>When each is to be sent, in seconds after the start.</summary>
    public static double[] Schedule(BenchServePlan plan, double burstiness, IReadOnlyList<BenchPrompt> prompts, BenchRandom random) =>
        double.IsNaN(plan.RequestRate) && prompts[0].ArrivalTime is not null
            ? [.. prompts.Select(p => p.ArrivalTime!.Value)]
            : ArrivalSchedule.Draw(prompts.Count, double.IsNaN(plan.RequestRate) ? double.PositiveInfinity : plan.RequestRate, burstiness, random);
}
