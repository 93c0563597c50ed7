using CommandLine;
using Moesaic.Cli.Output;

namespace Moesaic.Cli.Verbs;

[Verb("embed", HelpText = "Vectors of texts, by an encoder (BERT, MiniLM, E5, XLM-R): pooled and normalised as the model says.")]
public sealed class EmbedOptions : ModelOptions
{
    [Value(0, MetaName = "TEXT", HelpText = "The texts, each an argument of its own; lines of standard input when absent.")]
    public IEnumerable<string> Texts { get; set; } = [];

    [Option("prompt-file", MetaValue = "FILE", HelpText = "A file with one text a line.")]
    public string? PromptFile { get; set; }

    [Option("ids", MetaValue = "FILE", HelpText = "Token ids instead of text, special tokens included, {\"ids\": [[...], ...]}; with \"attention_mask\" of the same shape, rows may be padded at their ends. Needs no tokenizer.")]
    public string? Ids { get; set; }

    [Option("output", MetaValue = "OUT.safetensors", HelpText = "Write the tensor embeddings [texts, width], float32.")]
    public string? Output { get; set; }

    [Option("hidden-states", HelpText = "Write the tensor last_hidden_state [texts, most tokens, width] to --output too; zeros past a text's end.")]
    public bool HiddenStates { get; set; }

    [Option("json", HelpText = "Print one JSON object.")]
    public bool Json { get; set; }

    internal void Check(int numTexts)
    {
        if ((numTexts > 0 ? 1 : 0) + (PromptFile is null ? 0 : 1) + (Ids is null ? 0 : 1) > 1)
        {
            throw new UsageException("texts, --prompt-file and --ids exclude one another: give one of them");
        }

        if (Model is null)
        {
            throw new UsageException("--model is missing: name an encoder; the embedded model generates text and makes no embeddings");
        }

        if (KvFormat is not null)
        {
            throw new UsageException("--kv-format: an encoder keeps no cache");
        }

        if (HiddenStates && Output is null)
        {
            throw new UsageException("--hidden-states needs --output, a file to write them to");
        }

        OutputFile.Check("--output", Output);
    }
}
