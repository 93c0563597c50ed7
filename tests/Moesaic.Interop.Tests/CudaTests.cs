namespace Moesaic.Interop.Tests;

internal sealed class CudaTests
{
    [TestCase(0u, null)]
    [TestCase(12040u, "12.4")]
    [TestCase(12000u, "12.0")]
    [TestCase(13010u, "13.1")]
    public void Versions_are_cuda_s(uint number, string? expected) => Assert.That(CudaInfo.ToVersion(number)?.ToString(), Is.EqualTo(expected));

    /// <summary>Holds on every machine: what is missing is said, or there are devices.</summary>
    [Test]
    public void What_is_here_is_told_consistently()
    {
        CudaInfo cuda = CudaInfo.Detect();
        Assert.Multiple(() =>
        {
            Assert.That(cuda.LibraryPath, Is.EqualTo(Path.Combine(Path.GetDirectoryName(LibraryInfo.Path)!, "libmoesaic_cuda.so")));
            Assert.That(cuda.IsLibraryFound, Is.EqualTo(File.Exists(cuda.LibraryPath)));
            Assert.That(cuda.Devices.IsEmpty, Is.EqualTo(cuda.Problem.Length > 0), cuda.Problem);
            Assert.That(cuda.DriverVersion is null, Is.EqualTo(cuda.Problem.Contains("driver:") || cuda.Problem.Contains("driver cannot be loaded")), cuda.Problem);
            foreach (CudaDeviceInfo device in cuda.Devices)
            {
                Assert.That(device.Name, Is.Not.Empty);
                Assert.That(device.MemoryBytes, Is.GreaterThan(1L << 30));
            }
        });
    }

    [Test]
    public void A_device_that_is_not_there_is_refused_with_the_reason()
    {
        CudaInfo cuda = CudaInfo.Detect();
        DeviceOptions options = new() { Backend = Backend.Cuda, Ordinal = cuda.Devices.Length };
        NativeException? error = Assert.Throws<NativeException>(() => Device.Open(options));
        Assert.That(error!.ErrorClass, Is.EqualTo(NativeErrorClass.BadArgument));
        Assert.That(error.Message, Does.Contain(cuda.Devices.IsEmpty ? cuda.Problem : "there is no CUDA device"));
    }
}
