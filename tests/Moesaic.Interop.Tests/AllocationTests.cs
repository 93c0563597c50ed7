namespace Moesaic.Interop.Tests;

/// <summary>The calls of the step loop allocate no managed memory.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class AllocationTests : IDisposable
{
    private const int K = 32;
    private readonly TestDevice _device = new();

    public void Dispose() => _device.Dispose();

    [Test]
    public void Copies_events_and_batches()
    {
        using DeviceBuffer buffer = _device.Buffer(1024);
        using StreamEvent done = StreamEvent.Create(_device.Device);
        using Batch batch = _device.Batch(1, 2);
        int[] host = new int[16];
        int[] ids = [3, 4];
        int[] positions = [0, 1];
        int[] offsets = [0, 2];
        int[] logitRows = [1];
        int[] pages = [0];
        AssertNoAllocation(() =>
        {
            buffer.Upload<int>(_device.Stream, 0, host);
            buffer.Download<int>(_device.Stream, 0, host);
            using (HostView<int> view = buffer.MapHost<int>(0, 16))
            {
                view.Span[0] = 1;
            }

            batch.Update(_device.Stream, new BatchContent
            {
                TokenIds = ids, Positions = positions, QueryOffsets = offsets, LogitRows = logitRows, PageTables = pages, PagesStride = 1,
            });
            done.Record(_device.Stream);
            _ = done.IsDone;
            _device.Stream.Synchronize();
        });
    }

    [Test]
    public void Linear_and_norms()
    {
        using Weight weight = _device.Weight(8, K, Reference.Values(8 * K, 1));
        using Weight table = _device.Weight(4, K, Reference.Values(4 * K, 2));
        using Batch batch = _device.Batch(1, 2);
        Tensor x = _device.Empty(2, K);
        Tensor y = _device.Empty(2, K);
        Tensor z0 = _device.Empty(2, 8);
        Tensor z1 = _device.Empty(2, 8);
        Tensor norm = _device.Empty(1, K);
        AssertNoAllocation(() =>
        {
            _device.Stream.Embedding(batch, table, x);
            _device.Stream.RmsNorm(x, norm, y, 1e-5f);
            _device.Stream.GatherRows(batch, x, y.SliceRows(0, 1));
            _device.Stream.Linear(new LinearParams { Input = x, Targets = [new(weight, z0), new(weight, z1)] });
        });
    }

    [Test]
    public void Attention()
    {
        using KvCache cache = KvCache.Create(_device.Device, new KvCacheDescription
        {
            Format = TensorFormat.F32, NumLayers = 1, NumKvHeads = 1, KeyWidth = K, ValueWidth = K, PageTokens = 16, NumPages = 2,
        });
        using Batch batch = _device.Batch(1, 2);
        Tensor q = _device.Empty(2, K);
        Tensor output = _device.Empty(2, K);
        Tensor frequency = _device.Empty(1, K / 2);
        Tensor table = _device.Empty(2, K);
        int[] source = [0];
        int[] target = [1];
        AssertNoAllocation(() =>
        {
            _device.Stream.RopeTable(batch, frequency, table);
            _device.Stream.RopeAppend(batch, cache, new RopeAppendParams
            {
                Layer = 0, NumQueryHeads = 1, Query = q, Key = q, Value = q, RopeTable = table,
            });
            _device.Stream.Attention(batch, cache, new AttentionParams { Layer = 0, NumQueryHeads = 1, Query = q, Output = output, Scale = 1 });
            cache.CopyPages(_device.Stream, source, target);
        });
    }

    [Test]
    public void Experts()
    {
        using Weight router = _device.Weight(2, K, Reference.Values(2 * K, 3));
        using Weight stack = _device.Weight(K, K, Reference.Values(2 * K * K, 4), numExperts: 2);
        Tensor x = _device.Empty(2, K);
        Tensor output = _device.Empty(2, K);
        Tensor ids = _device.Empty(2, 1, TensorFormat.I32);
        Tensor weights = _device.Empty(2, 1);
        AssertNoAllocation(() =>
        {
            _device.Stream.Router(new RouterParams { Score = RouterScore.Softmax, TopK = 1, Input = x, Weight = router, Ids = ids, Weights = weights });
            _device.Stream.Moe(new MoeParams { Input = x, Ids = ids, Weights = weights, Gate = stack, Up = stack, Down = stack, Output = output });
        });
    }

    [Test]
    public void Sampling()
    {
        SamplingRows rows = new(1);
        PinnedArray<TokenCount> counts = new(1);
        Tensor logits = _device.Empty(1, K);
        Tensor ids = _device.Empty(1, 1, TensorFormat.I32);
        Tensor logprobs = _device.Empty(1, 1);
        AssertNoAllocation(() =>
        {
            rows.Set(0, new SamplingRow { Temperature = 1, TokenCounts = counts.Slice(0, 1), FrequencyPenalty = 1 });
            _device.Stream.Sample(new SampleParams { Logits = logits, VocabularySize = K, Rows = rows, Ids = ids, Logprobs = logprobs });
            _device.Stream.TokenLogprobs(logits, K, ids, logprobs);
        });
    }

    internal static void AssertNoAllocation(Action step)
    {
        const int numWarmUps = 3;
        const int numSteps = 50;
        for (int i = 0; i < numWarmUps; i++)
        {
            step();
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < numSteps; i++)
        {
            step();
        }

        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
    }
}
