namespace Moesaic.Cli.Hosting;

/// <summary>Standard input, which a program can be started without (<c>moesaic ... &lt;&amp;-</c>).</summary>
internal static class StandardInput
{
    private const int CloseOnExec = 0x80000; // O_CLOEXEC of Linux

    /// <summary>Whether the program was given a standard input. If not, descriptor 0 is some pipe of the runtime's own: reading it never ends.</summary>
    public static bool IsOpen { get; } = FindOpen();

    /// <summary>What was given, or an empty stream.</summary>
    public static Stream Open() => IsOpen ? Console.OpenStandardInput() : Stream.Null;

    // What was handed over survived an exec; what the runtime opened itself would not.
    private static bool FindOpen()
    {
        if (!OperatingSystem.IsLinux())
        {
            return true;
        }

        try
        {
            const string field = "flags:";
            string? flags = File.ReadLines("/proc/self/fdinfo/0").FirstOrDefault(l => l.StartsWith(field, StringComparison.Ordinal));
            return flags is null || (Convert.ToInt32(flags[field.Length..].Trim(), 8) & CloseOnExec) == 0;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or FormatException)
        {
            // No such descriptor, or no /proc to ask.
            return !Directory.Exists("/proc/self/fdinfo") || Path.Exists("/proc/self/fd/0");
        }
    }
}
