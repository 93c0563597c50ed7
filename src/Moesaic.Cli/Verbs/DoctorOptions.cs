using CommandLine;

namespace Moesaic.Cli.Verbs;

[Verb("doctor", HelpText = "What this machine offers, what is chosen and why, and whether all parts fit together.")]
public sealed class DoctorOptions
{
    [Option("threads", MetaValue = "N", HelpText = "Threads; every usable processor when absent.")]
    public int? Threads { get; set; }

    [Option("device", MetaValue = "KIND", HelpText = "Where to run: cpu; cuda and cuda:N are refused, since no model runs there yet (default cpu).")]
    public string? Device { get; set; }

    [Option("isa", MetaValue = "LEVEL", HelpText = "Highest instruction set to use: auto, portable, avx2 or avx512 (default auto).")]
    public string? Isa { get; set; }

    [Option("json", HelpText = "Print one JSON object.")]
    public bool Json { get; set; }
}
