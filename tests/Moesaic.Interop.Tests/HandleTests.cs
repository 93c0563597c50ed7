using System.Runtime.CompilerServices;

namespace Moesaic.Interop.Tests;

/// <summary>Lifetimes: who keeps whom, what happens after a dispose, and what the garbage collector does not do.</summary>
internal sealed class HandleTests
{
    [Test]
    public void Children_keep_their_device_alive()
    {
        TestDevice device = new();
        using DeviceBuffer buffer = device.Buffer(16);
        device.Device.Dispose();

        // A destroyed device would have refused to go, or would crash here.
        buffer.Upload<int>(device.Stream, 0, [1, 2, 3, 4]);
        int[] values = new int[4];
        buffer.Download<int>(device.Stream, 0, values);
        Assert.That(values, Is.EqualTo(new[] { 1, 2, 3, 4 }));
        device.Stream.Dispose();
    }

    [Test]
    public void Last_child_ends_the_device()
    {
        TestDevice device = new();
        DeviceBuffer buffer = device.Buffer(16);
        device.Device.Dispose();
        device.Stream.Dispose();
        Assert.That(device.Device.Handle.IsDestroyed, Is.False);
        Assert.Throws<ObjectDisposedException>(() => DeviceBuffer.Create(device.Device, 16));
        buffer.Dispose();
        Assert.That(device.Device.Handle.IsDestroyed, Is.True);
    }

    [Test]
    public void Disposing_twice_does_nothing()
    {
        TestDevice device = new();
        DeviceBuffer buffer = device.Buffer(16);
        StreamEvent done = StreamEvent.Create(device.Device);
        for (int i = 0; i < 2; i++)
        {
            buffer.Dispose();
            done.Dispose();
            device.Dispose();
        }
    }

    [Test]
    public void Use_after_dispose_names_the_object()
    {
        using TestDevice device = new();
        DeviceBuffer buffer = device.Buffer(16);
        StreamEvent done = StreamEvent.Create(device.Device);
        ComputeStream stream = ComputeStream.Create(device.Device);
        Batch batch = Batch.Create(device.Device, new BatchLimits(1, 1, 1));
        buffer.Dispose();
        done.Dispose();
        stream.Dispose();
        batch.Dispose();

        int[] values = new int[4];
        Assert.Multiple(() =>
        {
            AssertDisposed("Buffer", () => buffer.Download<int>(device.Stream, 0, values));
            AssertDisposed("Buffer", () => buffer.MapHost<int>());
            AssertDisposed("Buffer", () => Tensor.Dense(buffer, 1, 4).ToNative());
            AssertDisposed("Event", () => done.Record(device.Stream));
            AssertDisposed("Event", () => _ = done.IsDone);
            AssertDisposed("Stream", stream.Synchronize);
            AssertDisposed("Batch", () => _ = UpdateOneToken(batch, device.Stream));
        });
    }

    [Test]
    public void Failed_creation_leaves_the_device_free_to_go()
    {
        TestDevice device = new();
        Assert.Throws<NativeException>(() => device.Buffer(1L << 60));
        device.Stream.Dispose();
        device.Device.Dispose();
        Assert.That(device.Device.Handle.IsDestroyed, Is.True);
    }

    [Test]
    public void A_view_holds_the_memory_past_its_owners_dispose()
    {
        using TestDevice device = new();
        DeviceBuffer buffer = device.Buffer(1 << 20);
        HostView<int> view = buffer.MapHost<int>();
        buffer.Dispose();
        AssertDisposed("Buffer", () => buffer.MapHost<int>());
        view.Span.Fill(7);
        Assert.That(view.Span[^1], Is.EqualTo(7));
        view.Dispose();
        view.Dispose();
        bool refused = false;
        try
        {
            _ = view.Span;
        }
        catch (ObjectDisposedException)
        {
            refused = true;
        }

        Assert.That(refused, Is.True);
    }

    [Test]
    public void The_garbage_collector_frees_nothing_and_counts_the_leak()
    {
        using TestDevice device = new();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        long before = LibraryInfo.NumLeakedObjects;
        Abandon(device.Device);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Assert.That(LibraryInfo.NumLeakedObjects, Is.EqualTo(before + 1));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Abandon(Device device) => _ = DeviceBuffer.Create(device, 64);

    private static bool UpdateOneToken(Batch batch, ComputeStream stream)
    {
        batch.Update(stream, new BatchContent
        {
            TokenIds = [0], Positions = [0], QueryOffsets = [0, 1], LogitRows = [0], PageTables = [0], PagesStride = 1,
        });
        return true;
    }

    private static void AssertDisposed(string name, Action use) =>
        Assert.That(Assert.Throws<ObjectDisposedException>(() => use())!.ObjectName, Is.EqualTo(name));
}
