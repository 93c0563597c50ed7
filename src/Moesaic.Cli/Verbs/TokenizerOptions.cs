using CommandLine;

namespace Moesaic.Cli.Verbs;

/// <summary>What the verbs around a tokenizer share.</summary>
public abstract class TokenizerOptions
{
    [Option('t', "tokenizer", MetaValue = "PATH", HelpText = "tokenizer.json, a model folder or a GGUF file; the embedded model's when absent.")]
    public string? Tokenizer { get; set; }

    [Option("jsonl", HelpText = "Program mode: read one JSON object a line from standard input, write one a line.")]
    public bool JsonLines { get; set; }

    [Option("json", HelpText = "Print one JSON object.")]
    public bool Json { get; set; }

    internal void CheckModes(bool hasInput)
    {
        if (JsonLines && (Json || hasInput))
        {
            throw new UsageException("--jsonl reads standard input only: it goes with neither --json nor an input on the command line");
        }
    }
}
