using CommandLine;

namespace Moesaic.Cli.Verbs;

[Verb("quantize", HelpText = "Write a Hugging Face checkpoint (safetensors) as a GGUF file, quantised.")]
public sealed class QuantizeOptions
{
    [Value(0, MetaName = "IN OUT.gguf", HelpText = "The checkpoint's folder, and the file to write.")]
    public IEnumerable<string> Paths { get; set; } = [];

    [Option("type", Required = true, MetaValue = "TYPE", HelpText = "f32, f16, bf16, q8_0, q4_0, q4_1, q5_0, q5_1, q2_k, q3_k, q4_k, q5_k, q6_k, iq4_nl, iq4_xs, mxfp4; or a mix that gives more bits to the matrices that gain most: q3_k_m, q4_k_m, q5_k_m.")]
    public string Type { get; set; } = "";

    [Option("calibration", MetaValue = "FILE", HelpText = "Text whose activations say which columns matter (importance matrix).")]
    public string? Calibration { get; set; }

    [Option("evaluate", MetaValue = "FILE", HelpText = "Text whose perplexity is reported, before and after.")]
    public string? Evaluate { get; set; }

    [Option("chunk", Default = 512, MetaValue = "N", HelpText = "Tokens of a piece of the texts of --calibration and --evaluate.")]
    public int Chunk { get; set; }

    [Option("threads", MetaValue = "N", HelpText = "Threads; every usable processor when absent.")]
    public int? Threads { get; set; }

    [Option("force", HelpText = "Replace the file if it is there.")]
    public bool Force { get; set; }

    [Option("json", HelpText = "Print one JSON object.")]
    public bool Json { get; set; }
}
