using CommandLine;

namespace Moesaic.Cli.Verbs;

[Verb("inspect", HelpText = "What a model is and what it needs; its weights are not loaded.")]
public sealed class InspectOptions
{
    [Value(0, MetaName = "MODEL", HelpText = "As --model.")]
    public IEnumerable<string> Path { get; set; } = [];

    [Option('m', "model", MetaValue = "PATH", HelpText = "A Hugging Face folder, a GGUF file, or the name of a pulled model; the embedded model when absent.")]
    public string? Model { get; set; }

    [Option("json", HelpText = "Print one JSON object.")]
    public bool Json { get; set; }
}
