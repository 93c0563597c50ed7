using CommandLine;

namespace Moesaic.Cli.Verbs;

/// <summary>What the verbs that run a model share.</summary>
public abstract class ModelOptions
{
    [Option('m', "model", MetaValue = "PATH", HelpText = "A Hugging Face folder, a GGUF file, or the name of a pulled model; the embedded model when absent.")]
    public string? Model { get; set; }

    [Option("threads", MetaValue = "N", HelpText = "Threads; every usable processor when absent.")]
    public int? Threads { get; set; }

    [Option("device", MetaValue = "KIND", HelpText = "Where to run: cpu; cuda and cuda:N are refused, since no model runs there yet (default cpu).")]
    public string? Device { get; set; }

    [Option("isa", MetaValue = "LEVEL", HelpText = "Highest instruction set to use: auto, portable, avx2 or avx512 (default auto).")]
    public string? Isa { get; set; }

    [Option("context", MetaValue = "N", HelpText = "Most positions of a sequence; the model's own, at most 8192, when absent.")]
    public int? Context { get; set; }

    [Option("kv-format", MetaValue = "TYPE", HelpText = "Cached keys and values: f32, bf16 or int8 (default bf16; f32 with --precision reference and for encoder-decoders).")]
    public string? KvFormat { get; set; }

    [Option("latent-form", MetaValue = "KIND", HelpText = "Latent attention (DeepSeek): absorbed, expanded, or mixed, which is faster on long prompts but gives up that results do not depend on batch and chunks (default absorbed).")]
    public string? LatentForm { get; set; }

    [Option("precision", MetaValue = "KIND", HelpText = "Arithmetic: reference (float32) or fast (default fast).")]
    public string? Precision { get; set; }
}
