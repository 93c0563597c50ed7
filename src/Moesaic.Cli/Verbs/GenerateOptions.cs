using CommandLine;

namespace Moesaic.Cli.Verbs;

[Verb("generate", HelpText = "Answer a prompt; the answer is streamed to standard output.")]
public sealed class GenerateOptions : SamplingOptions
{
    [Value(0, MetaName = "PROMPT", HelpText = "What to answer; standard input when absent.")]
    public IEnumerable<string> Prompt { get; set; } = [];

    [Option("prompt-file", MetaValue = "FILE", HelpText = "A file with the prompt.")]
    public string? PromptFile { get; set; }

    [Option("raw", HelpText = "Continue the prompt as plain text: no chat template.")]
    public bool Raw { get; set; }

    [Option("ids", MetaValue = "FILE", HelpText = "Token ids instead of text, {\"ids\": [...]} or {\"ids\": [[...], ...]}; needs no tokenizer.")]
    public string? Ids { get; set; }

    [Option("logprobs", MetaValue = "N", HelpText = "With --json: the log-probability of each token, and the N most probable ones.")]
    public int? Logprobs { get; set; }

    [Option("json", HelpText = "Print one JSON object at the end instead of streaming.")]
    public bool Json { get; set; }

    internal void Check(bool hasPrompt)
    {
        if ((hasPrompt ? 1 : 0) + (PromptFile is null ? 0 : 1) + (Ids is null ? 0 : 1) > 1)
        {
            throw new UsageException("a prompt, --prompt-file and --ids exclude one another: give one of them");
        }

        if ((Raw || Ids is not null) && (System is not null || ChatTemplate is not null))
        {
            throw new UsageException("--system and --chat-template need the chat template, which --raw and --ids leave out");
        }

        if (Raw && Ids is not null)
        {
            throw new UsageException("--raw goes with text, not with --ids");
        }

        if (Logprobs is not null && !Json)
        {
            throw new UsageException("--logprobs needs --json");
        }
    }
}
