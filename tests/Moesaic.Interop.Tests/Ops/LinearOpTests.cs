namespace Moesaic.Interop.Tests;

/// <summary>Every field of the calls outside attention and experts reaches the op it is meant for.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class LinearOpTests : IDisposable
{
    private const int K = 32;
    private readonly TestDevice _device = new();

    public void Dispose() => _device.Dispose();

    [Test]
    public void Embedding_scales_the_tokens_rows()
    {
        float[] values = Reference.Values(4 * K, 1);
        using Weight table = _device.Weight(4, K, values);
        using Batch batch = _device.Batch(1, 3); // token ids 0, 1, 2
        Tensor output = _device.Empty(3, K);
        _device.Stream.Embedding(batch, table, output, scale: 2);
        Assert.That(_device.Read<float>(output), Is.EqualTo(values.Take(3 * K).Select(v => v * 2)));
    }

    [Test]
    public void RmsNorm_normalises_each_row()
    {
        float[] x = Reference.Values(2 * K, 2);
        float[] weight = Reference.Values(K, 3);
        Tensor output = _device.Empty(2, K);
        _device.Stream.RmsNorm(_device.Tensor<float>(2, K, x), _device.Tensor<float>(1, K, weight), output, 0.5f);
        double[] expected = [.. Reference.RmsNorm(x.AsSpan(0, K), weight, 0.5), .. Reference.RmsNorm(x.AsSpan(K), weight, 0.5)];
        Assert.That(_device.Read<float>(output), Is.EqualTo(expected).Within(Reference.Tolerance));
    }

    [Test]
    public void Embeddings_add_positions_and_a_first_row()
    {
        float[] values = Reference.Values(4 * K, 1);
        using Weight table = _device.Weight(4, K, values);
        using Batch batch = _device.Batch(1, 1, 2); // token ids 0, 1, 2 at positions 0, 0, 1
        Tensor output = _device.Empty(3, K);
        _device.Stream.Embedding(batch, table, output);
        _device.Stream.Embedding(batch, table, output, scale: 2, EmbeddingIndex.Position, accumulate: true);
        _device.Stream.Embedding(batch, table, output, index: EmbeddingIndex.FirstRow, accumulate: true);
        float[] expected = [.. Enumerable.Range(0, 3 * K).Select(i => values[i] + (2 * values[(i / K == 2 ? K : 0) + (i % K)]) + values[i % K])];
        Assert.That(_device.Read<float>(output), Is.EqualTo(expected).Within(Reference.Tolerance));
    }

    [Test]
    public void LayerNorm_centres_scales_and_shifts_each_row()
    {
        float[] x = Reference.Values(2 * K, 2);
        float[] weight = Reference.Values(K, 3);
        float[] bias = Reference.Values(K, 4);
        Tensor output = _device.Empty(2, K);
        _device.Stream.LayerNorm(_device.Tensor<float>(2, K, x), _device.Tensor<float>(1, K, weight), _device.Tensor<float>(1, K, bias), output, 0.5f);
        List<double> expected = [];
        foreach (float[] row in x.Chunk(K))
        {
            double mean = row.Average();
            double deviation = Math.Sqrt(row.Average(v => (v - mean) * (v - mean)) + 0.5);
            expected.AddRange(row.Select((v, i) => ((v - mean) / deviation * weight[i]) + bias[i]));
        }

        Assert.That(_device.Read<float>(output), Is.EqualTo(expected).Within(Reference.Tolerance));
    }

    [TestCase(Epilogue.Gelu, 0.8413447461)]
    [TestCase(Epilogue.GeluTanh, 0.8411919906)]
    public void Linear_activates_after_the_bias(Epilogue epilogue, double ofOne)
    {
        using Weight weight = _device.Weight(8, K, new float[8 * K]);
        Tensor output = _device.Empty(1, 8);
        float[] bias = [1, 0, 1, 0, 1, 0, 1, 0];
        _device.Stream.Linear(new LinearParams { Epilogue = epilogue, Input = _device.Empty(1, K), Targets = [new(weight, output, _device.Tensor<float>(1, 8, bias))] });
        Assert.That(_device.Read<float>(output), Is.EqualTo(bias.Select(b => b * ofOne)).Within(1e-6));
    }

    [Test]
    public void GatherRows_takes_the_batchs_logit_rows()
    {
        float[] x = Reference.Values(3 * K, 4);
        using Batch batch = _device.Batch(1, 3); // its last token's logits are wanted
        Tensor output = _device.Empty(1, K);
        _device.Stream.GatherRows(batch, _device.Tensor<float>(3, K, x), output);
        Assert.That(_device.Read<float>(output), Is.EqualTo(x[(2 * K)..]));
    }

    [Test]
    public void Linear_feeds_several_weights_from_one_normalised_input()
    {
        float[] x = Reference.Values(K, 5);
        float[] norm = Reference.Values(K, 6);
        float[] first = Reference.Values(8 * K, 7);
        float[] second = Reference.Values(16 * K, 8);
        float[] bias = Reference.Values(16, 9);
        using Weight w0 = _device.Weight(8, K, first);
        using Weight w1 = _device.Weight(16, K, second);
        Tensor out0 = _device.Empty(1, 8);
        Tensor out1 = _device.Empty(1, 16);
        _device.Stream.Linear(new LinearParams
        {
            Input = _device.Tensor<float>(1, K, x),
            NormWeight = _device.Tensor<float>(1, K, norm),
            NormEpsilon = 0.25f,
            Targets = [new(w0, out0), new(w1, out1, _device.Tensor<float>(1, 16, bias))],
        });
        float[] normalised = [.. Reference.RmsNorm(x, norm, 0.25).Select(v => (float)v)];
        Assert.That(_device.Read<float>(out0), Is.EqualTo(Reference.Multiply(first, 8, normalised)).Within(Reference.Tolerance));
        Assert.That(_device.Read<float>(out1),
            Is.EqualTo(Reference.Multiply(second, 16, normalised).Zip(bias, (a, b) => a + b)).Within(Reference.Tolerance));
    }

    [Test]
    public void Linear_epilogues_add_and_gate()
    {
        float[] x = Reference.Values(K, 10);
        float[] gate = Reference.Values(8 * K, 11);
        float[] up = Reference.Values(8 * K, 12);
        using Weight g = _device.Weight(8, K, gate);
        using Weight u = _device.Weight(8, K, up);
        Tensor input = _device.Tensor<float>(1, K, x);
        Tensor output = _device.Empty(1, 8);
        _device.Stream.Linear(new LinearParams { Epilogue = Epilogue.SwiGlu, Input = input, Targets = [new(g, output), new(u)] });
        double[] gated = [.. Reference.Multiply(gate, 8, x).Zip(Reference.Multiply(up, 8, x), (a, b) => Reference.Silu(a) * b)];
        Assert.That(_device.Read<float>(output), Is.EqualTo(gated).Within(Reference.Tolerance));

        _device.Stream.Linear(new LinearParams { Epilogue = Epilogue.Add, Input = input, Targets = [new(g, output)] });
        double[] sum = [.. gated.Zip(Reference.Multiply(gate, 8, x), (a, b) => a + b)];
        Assert.That(_device.Read<float>(output), Is.EqualTo(sum).Within(Reference.Tolerance));
    }

    [Test]
    public void Linear_takes_one_to_four_weights()
    {
        using Weight weight = _device.Weight(8, K, Reference.Values(8 * K, 13));
        Tensor input = _device.Empty(1, K);
        Tensor output = _device.Empty(1, 8);
        LinearTarget target = new(weight, output);
        Assert.Throws<ArgumentException>(() => _device.Stream.Linear(new LinearParams { Input = input, Targets = [] }));
        Assert.Throws<ArgumentException>(() => _device.Stream.Linear(new LinearParams
        {
            Input = input, Targets = [target, target, target, target, target],
        }));
    }
}
