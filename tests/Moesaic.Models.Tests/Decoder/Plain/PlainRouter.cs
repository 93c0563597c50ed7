using Moesaic.Interop;
using Moesaic.Models.Decoder;

namespace Moesaic.Models.Tests.Decoder.Plain;

/// <summary>Routing of one sequence in one layer with lists and sorts, in double: what the native router is held against.</summary>
internal sealed class PlainRouter(RouterDescription router, int numExperts)
{
    private readonly int[] _taken = new int[numExperts];
    private int _length;

    /// <summary>Choices that found their expert full, so far.</summary>
    public int Overflowed { get; private set; }

    /// <summary>Chooses for the sequence's next tokens.</summary>
    /// <param name="logits">[tokens][experts].</param>
    /// <returns>Experts and weights of each token, without dropped choices.</returns>
    public (int Expert, double Weight)[][] Step(double[][] logits)
    {
        _length += logits.Length;
        double[][] scores = [.. logits.Select(Scores)];
        List<int>[] ranking = [.. scores.Select(p => Enumerable.Range(0, numExperts).OrderByDescending(e => p[e]).ThenBy(e => e).ToList())];
        int?[][] kept = [.. logits.Select(_ => new int?[router.TopK])];
        (int Token, int Choice)[] offers = [.. Enumerable.Range(0, logits.Length).SelectMany(t => Enumerable.Range(0, router.TopK).Select(k => (t, k)))];
        if (router.Capacity?.Queue == RouterQueue.ByChoice)
        {
            offers = [.. offers.OrderBy(o => o.Choice).ThenBy(o => o.Token)];
        }

        List<(int Token, int Choice)> again = [];
        foreach ((int t, int k) in offers)
        {
            if (Take(ranking[t][k]))
            {
                kept[t][k] = ranking[t][k];
                continue;
            }

            Overflowed++;
            switch (router.Capacity!.Overflow)
            {
                case RouterOverflow.NextBest:
                    kept[t][k] = ranking[t].Skip(router.TopK).Where(e => !kept[t].Contains(e)).Cast<int?>().FirstOrDefault(e => Take(e!.Value));
                    break;
                case RouterOverflow.Reroute:
                    again.Add((t, k));
                    break;
            }
        }

        int[] next = [.. logits.Select(_ => router.TopK)];
        foreach ((int t, int k) in again.Order())
        {
            int? expert = next[t] < numExperts ? ranking[t][next[t]++] : null;
            kept[t][k] = expert is { } e && Take(e) ? e : null;
        }

        return [.. kept.Select((row, t) => Weights(row, scores[t]))];
    }

    private double[] Scores(double[] logits)
    {
        double sum = logits.Sum(Math.Exp);
        return router.Score switch
        {
            RouterScore.Softmax => [.. logits.Select(z => Math.Exp(z) / sum)],
            RouterScore.Sigmoid => [.. logits.Select(z => 1 / (1 + Math.Exp(-z)))],
            _ => throw new NotSupportedException(),
        };
    }

    private bool Take(int expert)
    {
        if (router.Capacity is { } limit)
        {
            double room = Math.Max(limit.PerExpert, Math.Ceiling(limit.Factor * _length * router.TopK / numExperts));
            if (_taken[expert] >= room)
            {
                return false;
            }
        }

        _taken[expert]++;
        return true;
    }

    private (int Expert, double Weight)[] Weights(int?[] kept, double[] scores)
    {
        int[] experts = [.. kept.OfType<int>()];
        double sum = router.Normalise ? experts.Sum(e => scores[e]) + router.NormEpsilon : 1;
        return [.. experts.Select(e => (e, scores[e] / sum * router.Scale))];
    }
}
