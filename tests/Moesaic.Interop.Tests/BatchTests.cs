namespace Moesaic.Interop.Tests;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class BatchTests : IDisposable
{
    private readonly TestDevice _device = new();
    private readonly Batch _batch;

    public BatchTests() => _batch = Batch.Create(_device.Device, new BatchLimits(MaxTokens: 8, MaxSequences: 2, MaxPages: 4));

    public void Dispose()
    {
        _batch.Dispose();
        _device.Dispose();
    }

    [Test]
    public void Content_is_taken_over()
    {
        Update([5, 6, 7], [0, 1, 9], [0, 2, 3], [1, 2], [0, 1, 2, 3], 2);
        Assert.That(_batch.NumTokens, Is.EqualTo(3));
        Assert.That(_batch.NumSequences, Is.EqualTo(2));
        Assert.That(_batch.NumLogitRows, Is.EqualTo(2));
    }

    [Test]
    public void Contradicting_lengths_are_refused_before_the_native_call()
    {
        Assert.Throws<ArgumentException>(() => Update([5, 6], [0], [0, 2], [1], [0], 1));
        Assert.Throws<ArgumentException>(() => Update([5], [0], [], [], [], 1));
        Assert.Throws<ArgumentException>(() => Update([5], [0], [0, 1], [0], [0, 1], 1));
        Assert.Throws<ArgumentException>(() => Update([5], [0], [0, 1], [0], [0], 1, [1, 1]));
    }

    [Test]
    public void Contradicting_content_changes_nothing()
    {
        Update([5], [0], [0, 1], [0], [0], 1);
        NativeException? error = Assert.Throws<NativeException>(() => Update([5, 6], [0, 2], [0, 2], [1], [0], 1));
        Assert.That(error!.ErrorClass, Is.EqualTo(NativeErrorClass.BadArgument));
        Assert.That(_batch.NumTokens, Is.EqualTo(1));
    }

    [Test]
    public void More_than_the_limits_is_refused() =>
        Assert.Throws<NativeException>(() => Update(new int[9], [.. Enumerable.Range(0, 9)], [0, 9], [8], [0], 1));

    private void Update(int[] ids, int[] positions, int[] offsets, int[] logitRows, int[] pages, int stride, int[]? keyLengths = null) =>
        _batch.Update(_device.Stream, new BatchContent
        {
            TokenIds = ids, Positions = positions, QueryOffsets = offsets, LogitRows = logitRows, PageTables = pages, PagesStride = stride, KeyLengths = keyLengths,
        });
}
