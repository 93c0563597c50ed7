using CommandLine;
using Moesaic.Cli.Output;

namespace Moesaic.Cli.Verbs;

[Verb("score", HelpText = "How probable a model finds a text: log-probability of each token after the first, and perplexity.")]
public sealed class ScoreOptions : ModelOptions
{
    [Value(0, MetaName = "TEXT", HelpText = "The text; standard input when absent.")]
    public IEnumerable<string> Text { get; set; } = [];

    [Option("file", MetaValue = "FILE", HelpText = "A file with the text.")]
    public string? TextFile { get; set; }

    [Option("ids", MetaValue = "FILE", HelpText = "Token ids instead of text, {\"ids\": [[...], ...]}; needs no tokenizer. For an encoder-decoder, ids are the encoder's (rows may be padded at their ends, with \"attention_mask\" of the same shape), and \"decoder_ids\", a row for each, is what is scored.")]
    public string? Ids { get; set; }

    [Option("logits", MetaValue = "OUT.safetensors", HelpText = "Write the tensor logits [batch, tokens, vocabulary], float32.")]
    public string? Logits { get; set; }

    [Option("mtp-logits", MetaValue = "OUT.safetensors", HelpText = "Write the tensor mtp_logits, likewise, of the multi-token-prediction layer: position t predicts token t + 2; the last position does not count.")]
    public string? MtpLogits { get; set; }

    [Option("json", HelpText = "Print one JSON object.")]
    public bool Json { get; set; }

    internal void Check(bool hasText)
    {
        if ((hasText ? 1 : 0) + (TextFile is null ? 0 : 1) + (Ids is null ? 0 : 1) > 1)
        {
            throw new UsageException("a text, --file and --ids exclude one another: give one of them");
        }

        if (Logits is not null && MtpLogits is not null && Path.GetFullPath(Logits) == Path.GetFullPath(MtpLogits))
        {
            throw new UsageException("--logits and --mtp-logits name the same file");
        }

        OutputFile.Check("--logits", Logits);
        OutputFile.Check("--mtp-logits", MtpLogits);
    }
}
