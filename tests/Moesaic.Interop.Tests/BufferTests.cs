namespace Moesaic.Interop.Tests;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class BufferTests : IDisposable
{
    private readonly TestDevice _device = new();

    public void Dispose() => _device.Dispose();

    [Test]
    public void New_memory_is_zero_and_host_visible()
    {
        using DeviceBuffer buffer = _device.Buffer(4097);
        using HostView<byte> view = buffer.MapHost<byte>();
        Assert.That(buffer.SizeBytes, Is.EqualTo(4097));
        Assert.That(buffer.IsHostVisible, Is.True);
        Assert.That(view.Span.Length, Is.EqualTo(4097));
        Assert.That(view.Span.IndexOfAnyExcept((byte)0), Is.EqualTo(-1));
    }

    [TestCase(0, 0)]
    [TestCase(0, 1)]
    [TestCase(63, 129)]
    [TestCase(1000, 3096)]
    public void What_is_uploaded_is_downloaded_and_neighbours_stay(int offset, int length)
    {
        const int size = 4096;
        byte[] sent = new byte[length];
        new Random(1).NextBytes(sent);
        using DeviceBuffer buffer = _device.Buffer(size);
        buffer.Upload<byte>(_device.Stream, offset, sent);

        byte[] received = new byte[size];
        buffer.Download<byte>(_device.Stream, 0, received);
        byte[] expected = new byte[size];
        sent.CopyTo(expected, offset);
        Assert.That(received, Is.EqualTo(expected));
    }

    [Test]
    public void Host_view_and_copies_see_the_same_memory()
    {
        using DeviceBuffer buffer = _device.Buffer(64);
        using (HostView<float> view = buffer.MapHost<float>(8, 2))
        {
            view.Span[0] = 1.5f;
            view.Span[1] = -2;
        }

        float[] received = new float[4];
        buffer.Download<float>(_device.Stream, 4, received);
        Assert.That(received, Is.EqualTo(new[] { 0, 1.5f, -2, 0 }));
    }

    [TestCase(-1, 1)]
    [TestCase(0, 65)]
    [TestCase(64, 1)]
    [TestCase(long.MaxValue, 1)]
    public void Ranges_outside_are_refused(long offset, int length)
    {
        using DeviceBuffer buffer = _device.Buffer(64);
        byte[] host = new byte[length];
        Assert.Throws<ArgumentOutOfRangeException>(() => buffer.Upload<byte>(_device.Stream, offset, host));
        Assert.Throws<ArgumentOutOfRangeException>(() => buffer.Download<byte>(_device.Stream, offset, host));
        Assert.Throws<ArgumentOutOfRangeException>(() => buffer.MapHost<byte>(offset, length));
    }

    [Test]
    public void Views_of_unaligned_or_negative_size_are_refused()
    {
        using DeviceBuffer buffer = _device.Buffer(64);
        Assert.Throws<ArgumentException>(() => buffer.MapHost<float>(2, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => buffer.MapHost<float>(0, -1));
    }

    [Test]
    public void Stream_of_another_device_is_refused()
    {
        using TestDevice other = new();
        using DeviceBuffer buffer = _device.Buffer(64);
        NativeException? error = Assert.Throws<NativeException>(() => buffer.Upload<byte>(other.Stream, 0, new byte[1]));
        Assert.That(error!.Message, Does.Contain("different devices"));
    }
}
