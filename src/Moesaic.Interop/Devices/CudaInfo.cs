using System.Collections.Immutable;
using System.Text;
using Moesaic.Bindings;

namespace Moesaic.Interop;

/// <summary>What of CUDA is on this machine.</summary>
/// <param name="DriverVersion">CUDA version that the NVIDIA driver runs; null without a driver.</param>
/// <param name="ToolkitVersion">Toolkit that the CUDA library was built with; null when it was not loaded.</param>
/// <param name="LibraryPath">Where the CUDA library is or should be.</param>
/// <param name="IsLibraryFound">Whether there is a file at <paramref name="LibraryPath"/>.</param>
/// <param name="Problem">What is missing and what to do; empty when there are devices.</param>
/// <param name="Devices">The driver's devices, by ordinal; empty where there is a problem.</param>
public sealed record CudaInfo(
    Version? DriverVersion, Version? ToolkitVersion, string LibraryPath, bool IsLibraryFound, string Problem,
    ImmutableArray<CudaDeviceInfo> Devices)
{
    private const int TextCapacity = 1024;
    private const int NameCapacity = 256;

    /// <summary>Looks for the driver, the CUDA library and devices; what is absent is no error. Thread-safe.</summary>
    /// <exception cref="NativeLibraryException">The native library cannot be loaded.</exception>
    /// <exception cref="NativeException">The driver does not tell a device's properties.</exception>
    public static unsafe CudaInfo Detect()
    {
        NativeLibraryLoader.EnsureReady();
        MscCudaInfo info = MscCudaInfo.Create();
        NativeMethods.MscCudaQuery(&info).ThrowOnError();
        ImmutableArray<CudaDeviceInfo>.Builder devices = ImmutableArray.CreateBuilder<CudaDeviceInfo>();
        for (int ordinal = 0; ordinal < info.NumDevices; ordinal++)
        {
            MscCudaDeviceInfo device = MscCudaDeviceInfo.Create();
            NativeMethods.MscCudaDeviceQuery(ordinal, &device).ThrowOnError();
            devices.Add(new CudaDeviceInfo(
                ordinal, Text(device.Name, NameCapacity), new Version(device.ComputeMajor, device.ComputeMinor),
                device.NumMultiprocessors, (long)device.MemoryBytes, Text(device.Problem, TextCapacity)));
        }

        return new CudaInfo(
            ToVersion(info.DriverVersion), ToVersion(info.ToolkitVersion), Text(info.LibraryPath, TextCapacity),
            info.LibraryFound != 0, Text(info.Problem, TextCapacity), devices.DrainToImmutable());
    }

    /// <summary>CUDA counts 1000 for a major version and 10 for a minor one.</summary>
    internal static Version? ToVersion(uint version) =>
        version == 0 ? null : new Version((int)(version / 1000), (int)(version % 1000 / 10));

    private static unsafe string Text(byte* text, int capacity)
    {
        ReadOnlySpan<byte> bytes = new(text, capacity);
        int end = bytes.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? bytes : bytes[..end]);
    }
}
