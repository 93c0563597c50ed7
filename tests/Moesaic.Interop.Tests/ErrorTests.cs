using Moesaic.Bindings;

namespace Moesaic.Interop.Tests;

/// <summary>Status codes become exceptions with the library's own text.</summary>
internal sealed class ErrorTests
{
    [Test]
    public void Bad_arguments_carry_the_librarys_text()
    {
        NativeException? error = Assert.Throws<NativeException>(() => Device.Open(new DeviceOptions { Ordinal = 7 }));
        Assert.That(error!.ErrorClass, Is.EqualTo(NativeErrorClass.BadArgument));
        Assert.That(error.Message, Does.Contain("ordinal is 7"));
    }

    [Test]
    public void Running_out_of_memory_is_out_of_resource()
    {
        using TestDevice device = new();
        NativeException? error = Assert.Throws<NativeException>(() => device.Buffer(1L << 60));
        Assert.That(error!.ErrorClass, Is.EqualTo(NativeErrorClass.OutOfResource));
        Assert.That(error.Message, Is.Not.Empty);
    }

    [Test]
    public void Every_error_status_has_its_class()
    {
        foreach (MscStatus status in Enum.GetValues<MscStatus>().Where(s => s != MscStatus.Ok))
        {
            Assert.That((int)NativeStatus.ToException(status).ErrorClass, Is.EqualTo((int)status));
        }
    }

    [Test]
    public void Unknown_status_counts_as_a_lost_device()
    {
        NativeException error = NativeStatus.ToException((MscStatus)99);
        Assert.That(error.ErrorClass, Is.EqualTo(NativeErrorClass.DeviceLost));
        Assert.That(error.Message, Does.Contain("99"));
    }

    [Test]
    public void Ok_does_not_throw() => Assert.DoesNotThrow(() => MscStatus.Ok.ThrowOnError());

    [Test]
    public void Each_thread_reads_its_own_text()
    {
        Parallel.For(1, 200, ordinal =>
        {
            NativeException? error = Assert.Throws<NativeException>(() => Device.Open(new DeviceOptions { Ordinal = ordinal }));
            Assert.That(error!.Message, Does.Contain($"ordinal is {ordinal},"));
        });
    }
}
