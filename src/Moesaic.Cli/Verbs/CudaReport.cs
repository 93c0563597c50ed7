using System.Globalization;
using System.Text.Json;
using Moesaic.Interop;

namespace Moesaic.Cli.Verbs;

/// <summary>What <c>doctor</c> says of CUDA: driver, library, devices, and why no model runs there.</summary>
internal static class CudaReport
{
    private const double GiB = 1 << 30;

    public static IEnumerable<(string Name, string Value)> Facts(CudaInfo cuda)
    {
        yield return ("cuda_driver", cuda.DriverVersion is { } driver ? $"runs CUDA {driver}" : "absent");
        yield return ("cuda_library", cuda switch
        {
            { ToolkitVersion: { } toolkit } => $"{cuda.LibraryPath}, built with CUDA {toolkit}",
            { IsLibraryFound: true } => $"{cuda.LibraryPath}, not loaded",
            _ => $"absent: {cuda.LibraryPath}",
        });
        yield return ("cuda_devices", cuda.Devices.Length == 0 ? $"none: {cuda.Problem}" : string.Join("; ", cuda.Devices.Select(Describe)));
    }

    /// <summary>Why the backend is the CPU.</summary>
    public static string Reason(CudaInfo cuda) => cuda.Devices.Any(d => d.Problem.Length == 0)
        ? "models run on the CPU alone so far; the CUDA devices have no ops yet"
        : "there is no CUDA device to use, and models run on the CPU alone so far";

    public static void Write(Utf8JsonWriter writer, CudaInfo cuda)
    {
        writer.WriteStartObject("cuda");
        writer.WriteString("driver_version", cuda.DriverVersion?.ToString());
        writer.WriteString("toolkit_version", cuda.ToolkitVersion?.ToString());
        writer.WriteString("library", cuda.LibraryPath);
        writer.WriteBoolean("library_found", cuda.IsLibraryFound);
        writer.WriteString("problem", cuda.Problem);
        writer.WriteStartArray("devices");
        foreach (CudaDeviceInfo device in cuda.Devices)
        {
            writer.WriteStartObject();
            writer.WriteNumber("ordinal", device.Ordinal);
            writer.WriteString("name", device.Name);
            writer.WriteString("compute_capability", device.ComputeCapability.ToString());
            writer.WriteNumber("multiprocessors", device.NumMultiprocessors);
            writer.WriteNumber("memory_bytes", device.MemoryBytes);
            writer.WriteString("problem", device.Problem);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static string Describe(CudaDeviceInfo device)
    {
        string text = string.Create(
            CultureInfo.InvariantCulture,
            $"{device.Ordinal}: {device.Name}, compute capability {device.ComputeCapability}, {device.MemoryBytes / GiB:F1} GiB");
        return device.Problem.Length == 0 ? text : $"{text} (cannot be used: {device.Problem})";
    }
}
