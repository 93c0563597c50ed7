namespace Moesaic.Models.Tests.Families.Reference;

/// <summary>Which experts a token gets and with which weights, by each family's published rule.</summary>
internal static class PlainExperts
{
    /// <param name="c">The configuration.</param>
    /// <param name="logits">Of each expert, its own bias added.</param>
    /// <param name="selectionBias">Takes part in the choice alone; null: none.</param>
    public static (int Expert, double Weight)[] Choose(PlainConfig c, double[] logits, float[]? selectionBias)
    {
        int topK = c.Int("num_experts_per_tok", 2);
        double most = logits.Max(), sum = logits.Sum(z => Math.Exp(z - most));
        double[] softmax = [.. logits.Select(z => Math.Exp(z - most) / sum)];
        double scale = c.Number("routed_scaling_factor", 1);
        switch (c.Architecture)
        {
            case "MixtralForCausalLM":
                return Weigh(softmax, Best(softmax, topK), normalise: true);
            case "Qwen3MoeForCausalLM" or "OlmoeForCausalLM":
                return Weigh(softmax, Best(softmax, topK), c.Flag("norm_topk_prob"));
            case "GptOssForCausalLM":
                return Weigh(softmax, Best(logits, topK), normalise: true);
            case "DeepseekV2ForCausalLM":
                double[] offered = c.Text("topk_method") == "group_limited_greedy" ? Grouped(c, softmax, group => group.Max()) : softmax;
                return Weigh(softmax, Best(offered, topK), normalise: false, scale);
            default:
                double[] sigmoid = [.. logits.Select(z => 1 / (1 + Math.Exp(-z)))];
                double[] biased = [.. sigmoid.Select((p, e) => p + (selectionBias?[e] ?? 0))];
                biased = Grouped(c, biased, group => group.OrderDescending().Take(2).Sum());
                bool normalise = c.Architecture == "BailingMoeV2ForCausalLM" ? topK > 1 : c.Flag("norm_topk_prob", c.Architecture == "DeepseekV3ForCausalLM");
                return Weigh(sigmoid, Best(biased, topK), normalise, scale);
        }
    }

    private static double[] Grouped(PlainConfig c, double[] scores, Func<IEnumerable<double>, double> worth)
    {
        int groups = c.Int("n_group", 1);
        if (groups <= 1)
        {
            return scores;
        }

        int size = scores.Length / groups;
        int[] kept = Best([.. scores.Chunk(size).Select(worth)], c.Int("topk_group", 1));
        return [.. scores.Select((p, e) => kept.Contains(e / size) ? p : double.NegativeInfinity)];
    }

    private static int[] Best(double[] scores, int count) => [.. Enumerable.Range(0, scores.Length).OrderByDescending(e => scores[e]).Take(count)];

    private static (int Expert, double Weight)[] Weigh(double[] scores, int[] chosen, bool normalise, double scale = 1)
    {
        double sum = normalise ? chosen.Sum(e => scores[e]) : 1;
        return [.. chosen.Select(e => (e, scores[e] / sum * scale))];
    }
}
