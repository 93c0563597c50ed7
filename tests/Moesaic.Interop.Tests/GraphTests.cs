namespace Moesaic.Interop.Tests;

/// <summary>Ops captured from a stream and launched.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class GraphTests : IDisposable
{
    private const int K = 32;
    private readonly TestDevice _device = new();

    public void Dispose() => _device.Dispose();

    [Test]
    public void A_launch_runs_what_was_captured_on_what_buffers_hold_then()
    {
        using Weight weight = _device.Weight(8, K, Reference.Values(8 * K, 1));
        Tensor input = _device.Tensor<float>(1, K, Reference.Values(K, 2));
        Tensor direct = _device.Empty(1, 8);
        Tensor launched = _device.Empty(1, 8);
        using ComputeGraph graph = _device.Stream.Capture(() => Multiply(input, weight, launched));
        Assert.That(_device.Read<float>(launched), Is.All.Zero, "a capture runs nothing");
        foreach (int seed in (int[])[2, 3])
        {
            input.Buffer!.Upload(_device.Stream, 0, (ReadOnlySpan<float>)Reference.Values(K, seed));
            Multiply(input, weight, direct);
            _device.Stream.Launch(graph);
            Assert.That(_device.Read<float>(launched), Is.EqualTo(_device.Read<float>(direct)));
        }
    }

    [Test]
    public void A_launch_allocates_nothing()
    {
        using Weight weight = _device.Weight(8, K, Reference.Values(8 * K, 1));
        Tensor input = _device.Empty(1, K);
        Tensor output = _device.Empty(1, 8);
        using ComputeGraph graph = _device.Stream.Capture(() => Multiply(input, weight, output));
        AllocationTests.AssertNoAllocation(() => _device.Stream.Launch(graph));
    }

    [Test]
    public void An_op_that_fails_is_named_and_the_stream_goes_on()
    {
        using Weight weight = _device.Weight(8, K, Reference.Values(8 * K, 1));
        Tensor input = _device.Empty(1, K);
        using ComputeGraph graph = _device.Stream.Capture(() => Multiply(input, weight, _device.Empty(1, 9)));
        NativeException error = Assert.Throws<NativeException>(() => _device.Stream.Launch(graph))!;
        Assert.That(error.Message, Does.Contain("msc_op_linear").And.Contain("targets[0].out"));
        Assert.DoesNotThrow(() => Multiply(input, weight, _device.Empty(1, 8)));
    }

    [Test]
    public void A_capture_ends_when_what_it_captures_throws()
    {
        Assert.Throws<InvalidOperationException>(() => _device.Stream.Capture(() => throw new InvalidOperationException()));
        Assert.Throws<NativeException>(() => _device.Stream.Capture(_device.Stream.Synchronize));
        Assert.DoesNotThrow(_device.Stream.Synchronize);
        Assert.That(LibraryInfo.NumLeakedObjects, Is.Zero);
    }

    [Test]
    public void A_capture_within_a_capture_is_refused_and_ends_neither()
    {
        using ComputeGraph graph = _device.Stream.Capture(() => Assert.Throws<NativeException>(() => _device.Stream.Capture(() => { })));
        Assert.DoesNotThrow(_device.Stream.Synchronize);
    }

    private void Multiply(Tensor input, Weight weight, Tensor output) =>
        _device.Stream.Linear(new LinearParams { Input = input, Targets = [new(weight, output)] });
}
