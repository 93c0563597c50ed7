using System.Globalization;

namespace Moesaic.Cli.Verbs;

/// <summary>The value of <c>--device</c>. It is read in full already, so that what it will take is refused by name and not
/// as an unknown word.</summary>
internal static class DeviceChoice
{
    private const string Cuda = "cuda";

    /// <param name="device">The value; null where the option is absent.</param>
    /// <param name="origin">Where it comes from, for the error.</param>
    /// <exception cref="UsageException">It is no device, or one that runs no model yet.</exception>
    public static void Check(string? device, string origin = "--device")
    {
        if (device is null || string.Equals(device, "cpu", StringComparison.OrdinalIgnoreCase))
        {
            return;
        }

        throw new UsageException(IsCuda(device)
            ? $"{origin} is '{device}', but no model runs on a CUDA device yet: use cpu (moesaic doctor tells what is here)"
            : $"{origin} is '{device}'; expected cpu, cuda or cuda:N");
    }

    private static bool IsCuda(string device)
    {
        string[] parts = device.Split(':');
        return string.Equals(parts[0], Cuda, StringComparison.OrdinalIgnoreCase)
            && (parts.Length == 1
                || (parts.Length == 2 && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out _)));
    }
}
