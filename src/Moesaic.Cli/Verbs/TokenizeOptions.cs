using CommandLine;

namespace Moesaic.Cli.Verbs;

[Verb("tokenize", HelpText = "Text to token ids. --jsonl: {\"text\": ..., \"add_special_tokens\": true} to {\"ids\": [...]}.")]
public sealed class TokenizeOptions : TokenizerOptions
{
    [Value(0, MetaName = "TEXT", HelpText = "The text; standard input when absent.")]
    public IEnumerable<string> Text { get; set; } = [];

    [Option("no-special-tokens", HelpText = "Leave out the tokens that belong around every text (BOS, [CLS], ...).")]
    public bool NoSpecialTokens { get; set; }
}
