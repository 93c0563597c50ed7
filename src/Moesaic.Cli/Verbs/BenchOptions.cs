using CommandLine;

namespace Moesaic.Cli.Verbs;

[Verb("bench", HelpText = "Measure prefill and decode, and the machine's limits in the same run.")]
public sealed class BenchOptions
{
    [Option('m', "model", MetaValue = "PATH", HelpText = "A Hugging Face folder or a GGUF file; the embedded model when absent.")]
    public string? Model { get; set; }

    [Option("synthetic", MetaValue = "SHAPE", HelpText = "Random weights in the shape of a real model instead: smollm2, llama-1b or ling-mini.")]
    public string? Synthetic { get; set; }

    [Option("type", MetaValue = "TYPE", HelpText = "Type of the random weights: f32, f16, bf16, q8_0, q4_0, q4_1, q5_0, q5_1, q4_k, q5_k, q6_k, mxfp4, nvfp4, iq4_nl, iq4_xs, or in the form of a quantised Hugging Face checkpoint w4a16, int8 or fp8 (default q4_0).")]
    public string? Type { get; set; }

    [Option("max-gib", MetaValue = "N", Default = 2.0, HelpText = "Layers are left out of a synthetic model until its weights fit into this.")]
    public double MaxGib { get; set; }

    [Option("prompt-lengths", MetaValue = "N,...", Default = "512", HelpText = "Tokens of a prompt.")]
    public string PromptLengths { get; set; } = "";

    [Option("generate", MetaValue = "N", Default = 64, HelpText = "Tokens that each sequence decodes.")]
    public int Generate { get; set; }

    [Option("batch", MetaValue = "N,...", Default = "1", HelpText = "Sequences run together.")]
    public string Batch { get; set; } = "";

    [Option("repetitions", MetaValue = "N", Default = 5, HelpText = "Repetitions after one to warm up.")]
    public int Repetitions { get; set; }

    [Option("threads", MetaValue = "N", HelpText = "Threads; every usable processor when absent.")]
    public int? Threads { get; set; }

    [Option("device", MetaValue = "KIND", HelpText = "Where to run: cpu; cuda and cuda:N are refused, since no model runs there yet (default cpu).")]
    public string? Device { get; set; }

    [Option("isa", MetaValue = "LEVEL", HelpText = "Highest instruction set to use: auto, portable, avx2 or avx512 (default auto).")]
    public string? Isa { get; set; }

    [Option("kv-format", MetaValue = "TYPE", HelpText = "Cached keys and values: f32, bf16 or int8 (default bf16; f32 with --precision reference).")]
    public string? KvFormat { get; set; }

    [Option("precision", MetaValue = "KIND", HelpText = "Arithmetic: reference (float32) or fast (default fast).")]
    public string? Precision { get; set; }

    [Option("json", HelpText = "Print one JSON object.")]
    public bool Json { get; set; }

    [Option("markdown", MetaValue = "FILE", HelpText = "Also write the table into a file.")]
    public string? Markdown { get; set; }

    [Option("gate", MetaValue = "BUDGET", HelpText = "Measure the cases of a budget file at every instruction-set level of this machine; end with code 4 when one misses it.")]
    public string? Gate { get; set; }

    [Option("only", MetaValue = "PART", HelpText = "With --gate: only cases whose name has this part.")]
    public string? Only { get; set; }

    // Measures everything so often and prints the budget with these shares.
    [Option("suggest", MetaValue = "ROUNDS", Hidden = true)]
    public int? Suggest { get; set; }

    // Proves that a gate notices kernels that take twice the time.
    [Option("slowdown", MetaValue = "N", Default = 1, Hidden = true)]
    public int Slowdown { get; set; }
}
