namespace Moesaic.Interop.Tests;

/// <summary>Every field of the expert calls reaches the op it is meant for.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class MoeOpTests : IDisposable
{
    private const int H = 32;
    private const int NumExperts = 4;
    private readonly TestDevice _device = new();

    public void Dispose() => _device.Dispose();

    [Test]
    public void Router_scores_normalises_and_scales()
    {
        float[] x = Reference.Values(H, 1);
        float[] w = Reference.Values(NumExperts * H, 2);
        float[] bias = Reference.Values(NumExperts, 3);
        double[] p = Reference.Softmax([.. Reference.Multiply(w, NumExperts, x).Zip(bias, (a, b) => a + b)]);
        int[] best = [.. Enumerable.Range(0, NumExperts).OrderByDescending(e => p[e]).Take(2)];

        (int[] ids, float[] weights) = Route(x, w, 2, (input, weight, idTensor, weightTensor) => new RouterParams
        {
            Score = RouterScore.Softmax, TopK = 2, Normalise = true, Scale = 3, Input = input, Weight = weight,
            Bias = _device.Tensor<float>(1, NumExperts, bias), Ids = idTensor, Weights = weightTensor,
        });
        double sum = p[best[0]] + p[best[1]];
        Assert.That(ids, Is.EqualTo(best));
        Assert.That(weights, Is.EqualTo(new[] { 3 * p[best[0]] / sum, 3 * p[best[1]] / sum }).Within(Reference.Tolerance));
    }

    [Test]
    public void Router_groups_and_selection_bias_choose_without_weighing()
    {
        float[] x = Reference.Values(H, 4);
        float[] w = Reference.Values(NumExperts * H, 5);
        double[] z = Reference.Multiply(w, NumExperts, x);
        double[] p = [.. z.Select(v => 1 / (1 + Math.Exp(-v)))];
        float[] selection = [0, 0, 10, 5]; // the second group wins, expert 2 before 3

        (int[] ids, float[] weights) = Route(x, w, 2, (input, weight, idTensor, weightTensor) => new RouterParams
        {
            Score = RouterScore.Sigmoid, GroupRule = RouterGroupRule.Max, NumGroups = 2, KeptGroups = 1, TopK = 2,
            SelectionBias = _device.Tensor<float>(1, NumExperts, selection),
            Input = input, Weight = weight, Ids = idTensor, Weights = weightTensor,
        });
        Assert.That(ids, Is.EqualTo(new[] { 2, 3 }));
        Assert.That(weights, Is.EqualTo(new[] { p[2], p[3] }).Within(Reference.Tolerance));
    }

    [Test]
    public void Router_replays_forced_choices()
    {
        float[] x = Reference.Values(H, 6);
        float[] w = Reference.Values(NumExperts * H, 7);
        double[] p = Reference.Softmax(Reference.Multiply(w, NumExperts, x));
        (int[] ids, float[] weights) = Route(x, w, 2, (input, weight, idTensor, weightTensor) => new RouterParams
        {
            Score = RouterScore.Softmax, TopK = 2, ForcedIds = _device.Tensor<int>(1, 2, 3, 0),
            Input = input, Weight = weight, Ids = idTensor, Weights = weightTensor,
        });
        Assert.That(ids, Is.EqualTo(new[] { 3, 0 }));
        Assert.That(weights, Is.EqualTo(new[] { p[3], p[0] }).Within(Reference.Tolerance));
    }

    [Test]
    public void Experts_are_weighed_and_the_shared_one_added()
    {
        const int inner = 32;
        float[] x = Reference.Values(H, 8);
        float[] gate = Reference.Values(2 * inner * H, 9);
        float[] up = Reference.Values(2 * inner * H, 10);
        float[] down = Reference.Values(2 * H * inner, 11);
        float[] start = Reference.Values(H, 12);
        using Weight g = _device.Weight(inner, H, gate, numExperts: 2);
        using Weight u = _device.Weight(inner, H, up, numExperts: 2);
        using Weight d = _device.Weight(H, inner, down, numExperts: 2);
        using Weight sharedGate = _device.Weight(inner, H, gate.AsSpan(0, inner * H));
        using Weight sharedUp = _device.Weight(inner, H, up.AsSpan(0, inner * H));
        using Weight sharedDown = _device.Weight(H, inner, down.AsSpan(0, H * inner));
        Tensor output = _device.Tensor<float>(1, H, start);
        _device.Stream.Moe(new MoeParams
        {
            Accumulate = true,
            Input = _device.Tensor<float>(1, H, x),
            Ids = _device.Tensor<int>(1, 1, 1),
            Weights = _device.Tensor<float>(1, 1, 0.5f),
            Gate = g,
            Up = u,
            Down = d,
            SharedGate = sharedGate,
            SharedUp = sharedUp,
            SharedDown = sharedDown,
            Output = output,
        });
        double[] expert = Reference.Mlp(gate.AsSpan(inner * H), up.AsSpan(inner * H), down.AsSpan(H * inner), inner, x);
        double[] shared = Reference.Mlp(gate.AsSpan(0, inner * H), up.AsSpan(0, inner * H), down.AsSpan(0, H * inner), inner, x);
        double[] expected = [.. Enumerable.Range(0, H).Select(i => start[i] + (0.5 * expert[i]) + shared[i])];
        Assert.That(_device.Read<float>(output), Is.EqualTo(expected).Within(Reference.Tolerance * 10));
    }

    private delegate RouterParams MakeParams(Tensor input, Weight weight, Tensor ids, Tensor weights);

    private (int[] Ids, float[] Weights) Route(float[] x, float[] w, int topK, MakeParams make)
    {
        using Weight weight = _device.Weight(NumExperts, H, w);
        Tensor ids = _device.Empty(1, topK, TensorFormat.I32);
        Tensor weights = _device.Empty(1, topK);
        _device.Stream.Router(make(_device.Tensor<float>(1, H, x), weight, ids, weights));
        return (_device.Read<int>(ids), _device.Read<float>(weights));
    }
}
