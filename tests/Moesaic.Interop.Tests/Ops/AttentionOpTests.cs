namespace Moesaic.Interop.Tests;

/// <summary>Every field of the attention calls reaches the op it is meant for.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class AttentionOpTests : IDisposable
{
    private const int Width = 32;
    private readonly TestDevice _device = new();

    public void Dispose() => _device.Dispose();

    [Test]
    public void Rope_table_holds_cosines_then_sines()
    {
        using Batch batch = _device.Batch(1, 3);
        Tensor table = _device.Empty(3, 4);
        _device.Stream.RopeTable(batch, _device.Tensor<float>(1, 2, 1, 0.5f), table, factor: 2);
        double[] expected =
        [
            .. Enumerable.Range(0, 3).SelectMany(p => new[] { 2 * Math.Cos(p), 2 * Math.Cos(p * 0.5), 2 * Math.Sin(p), 2 * Math.Sin(p * 0.5) }),
        ];
        Assert.That(_device.Read<float>(table), Is.EqualTo(expected).Within(Reference.Tolerance));
    }

    [TestCase(RopePairing.HalfSplit)]
    [TestCase(RopePairing.Interleaved)]
    public void Queries_are_normalised_and_rotated_in_place(RopePairing pairing)
    {
        float[] q = Reference.Values(Width, 1);
        float[] norm = Reference.Values(Width, 2);
        float[] table = new float[Width]; // 90 degrees: cosines 0, sines 1
        table.AsSpan(Width / 2).Fill(1);
        using KvCache cache = Cache(layers: 1);
        using Batch batch = _device.Batch(1, 1);
        Tensor query = _device.Tensor<float>(1, Width, q);
        _device.Stream.RopeAppend(batch, cache, new RopeAppendParams
        {
            Pairing = pairing,
            Layer = 0,
            NumQueryHeads = 1,
            Query = query,
            Key = _device.Empty(1, Width),
            Value = _device.Empty(1, Width),
            QueryNorm = _device.Tensor<float>(1, Width, norm),
            KeyNorm = _device.Tensor<float>(1, Width, norm),
            RopeTable = _device.Tensor<float>(1, Width, table),
            NormEpsilon = 0.5f,
        });
        double[] normalised = Reference.RmsNorm(q, norm, 0.5);
        double[] expected = new double[Width];
        for (int i = 0; i < Width / 2; i++)
        {
            (int a, int b) = pairing == RopePairing.HalfSplit ? (i, i + (Width / 2)) : (2 * i, (2 * i) + 1);
            (expected[a], expected[b]) = (-normalised[b], normalised[a]);
        }

        Assert.That(_device.Read<float>(query), Is.EqualTo(expected).Within(Reference.Tolerance));
    }

    [Test]
    public void Attention_reads_what_was_appended_to_its_layer()
    {
        float[] q = Reference.Values(2 * 2 * Width, 3);
        float[] k = Reference.Values(2 * Width, 4);
        float[] v = Reference.Values(2 * Width, 5);
        float[] keyNorm = Reference.Values(Width, 7);
        const float scale = 0.25f;
        using KvCache cache = Cache(layers: 2);
        using Batch batch = _device.Batch(1, 2);
        Tensor query = _device.Tensor<float>(2, 2 * Width, q);
        _device.Stream.RopeAppend(batch, cache, new RopeAppendParams
        {
            Layer = 1,
            NumQueryHeads = 2,
            Query = query,
            Key = _device.Tensor<float>(2, Width, k),
            Value = _device.Tensor<float>(2, Width, v),
            KeyNorm = _device.Tensor<float>(1, Width, keyNorm),
            NormEpsilon = 0.5f,
        });
        Tensor output = _device.Empty(2, 2 * Width);
        _device.Stream.Attention(batch, cache, new AttentionParams
        {
            Layer = 1, NumQueryHeads = 2, Query = query, Output = output, Scale = scale,
        });

        double[] firstKey = Reference.RmsNorm(k.AsSpan(0, Width), keyNorm, 0.5);
        double[] secondKey = Reference.RmsNorm(k.AsSpan(Width), keyNorm, 0.5);
        float[] keys = [.. firstKey.Concat(secondKey).Select(value => (float)value)];
        List<double> expected = [];
        for (int token = 0; token < 2; token++)
        {
            for (int head = 0; head < 2; head++)
            {
                float[] row = q[(((token * 2) + head) * Width)..(((token * 2) + head + 1) * Width)];
                double[] scores = [.. Reference.Multiply(keys.AsSpan(0, (token + 1) * Width), token + 1, row).Select(s => s * scale)];
                double[] weights = Reference.Softmax(scores);
                expected.AddRange(Enumerable.Range(0, Width).Select(c => weights.Select((w, j) => w * v[(j * Width) + c]).Sum()));
            }
        }

        Assert.That(_device.Read<float>(output), Is.EqualTo(expected).Within(Reference.Tolerance));
    }

    [Test]
    public void Window_and_sinks_reach_the_op()
    {
        float[] v = Reference.Values(2 * Width, 6);
        using KvCache cache = Cache(layers: 1);
        using Batch batch = _device.Batch(1, 2);
        Tensor query = _device.Empty(2, Width);
        _device.Stream.RopeAppend(batch, cache, new RopeAppendParams
        {
            Layer = 0, NumQueryHeads = 1, Query = query, Key = _device.Empty(2, Width), Value = _device.Tensor<float>(2, Width, v),
        });
        Tensor output = _device.Empty(2, Width);

        // Scores are all 0; a window of one position sees its own value, and a sink of logit 0 halves it.
        _device.Stream.Attention(batch, cache, new AttentionParams
        {
            Layer = 0, NumQueryHeads = 1, Query = query, Output = output, Scale = 1, Window = 1, Sinks = _device.Tensor<float>(1, 1, 0),
        });
        Assert.That(_device.Read<float>(output), Is.EqualTo(v.Select(x => x / 2)).Within(Reference.Tolerance));
    }

    [TestCase(0, 3)]
    [TestCase(2, 2)]
    public void Bidirectional_attention_sees_as_many_keys_as_the_batch_says(int keyLength, int seen)
    {
        float[] v = Reference.Values(3 * Width, 6);
        using KvCache cache = Cache(layers: 1);
        using Batch batch = _device.Batch(1, 3);
        Tensor query = _device.Empty(3, Width);
        _device.Stream.RopeAppend(batch, cache, new RopeAppendParams
        {
            Layer = 0, NumQueryHeads = 1, Query = query, Key = _device.Empty(3, Width), Value = _device.Tensor<float>(3, Width, v),
        });
        batch.Update(_device.Stream, new BatchContent
        {
            TokenIds = [0, 0, 0], Positions = [0, 1, 2], QueryOffsets = [0, 3], LogitRows = [], PageTables = [0], PagesStride = 1, KeyLengths = [keyLength],
        });
        Tensor output = _device.Empty(3, Width);

        // Scores are all 0, so every row is the mean of the values that it sees.
        _device.Stream.Attention(batch, cache, new AttentionParams
        {
            Layer = 0, NumQueryHeads = 1, Query = query, Output = output, Scale = 1, IsCausal = false,
        });
        float[] mean = [.. Enumerable.Range(0, Width).Select(c => Enumerable.Range(0, seen).Select(j => v[(j * Width) + c]).Sum() / seen)];
        Assert.That(_device.Read<float>(output), Is.EqualTo(mean.Concat(mean).Concat(mean)).Within(Reference.Tolerance));
    }

    [Test]
    public void What_is_not_implemented_is_refused()
    {
        using KvCache cache = Cache(layers: 1);
        using Batch batch = _device.Batch(1, 1);
        Tensor query = _device.Empty(1, Width);
        Assert.Throws<NativeException>(() => _device.Stream.Attention(batch, cache, new AttentionParams
        {
            Layer = 0, NumQueryHeads = 1, Query = query, Output = _device.Empty(1, Width), Scale = 1, IsCausal = false, Window = 1,
        }));
        Assert.Throws<NativeException>(() => _device.Stream.Attention(batch, cache, new AttentionParams
        {
            Layer = 0, NumQueryHeads = 1, Query = query, Output = _device.Empty(1, Width), Scale = 1, SoftCap = 30,
        }));
    }

    [Test]
    public void Cache_sizes_are_known_before_and_after()
    {
        using KvCache cache = Cache(layers: 2);
        Assert.That(cache.PageBytes, Is.EqualTo(KvCache.QueryPageBytes(_device.Device, Description(layers: 2))));
        Assert.That(cache.TotalBytes, Is.EqualTo(2 * cache.PageBytes));
        Assert.That(cache.PageBytes, Is.GreaterThanOrEqualTo(2 * 16 * 2 * Width * sizeof(float)));
        cache.CopyPages(_device.Stream, [0], [1]);
        Assert.Throws<NativeException>(() => cache.CopyPages(_device.Stream, [0], [2]));
        Assert.Throws<ArgumentException>(() => cache.CopyPages(_device.Stream, [0], [0, 1]));
    }

    private static KvCacheDescription Description(int layers) => new()
    {
        Format = TensorFormat.F32, NumLayers = layers, NumKvHeads = 1, KeyWidth = Width, ValueWidth = Width, PageTokens = 16, NumPages = 2,
    };

    private KvCache Cache(int layers) => KvCache.Create(_device.Device, Description(layers));
}
