using CommandLine;

namespace Moesaic.Cli.Verbs;

[Verb("detokenize", HelpText = "Token ids to text. --jsonl: {\"ids\": [...], \"skip_special_tokens\": false} to {\"text\": ...}.")]
public sealed class DetokenizeOptions : TokenizerOptions
{
    [Value(0, MetaName = "IDS", HelpText = "The ids, apart by spaces or commas; standard input when absent.")]
    public IEnumerable<string> Ids { get; set; } = [];

    [Option("skip-special-tokens", HelpText = "Leave special tokens out of the text.")]
    public bool SkipSpecialTokens { get; set; }
}
