using CommandLine;
using Moesaic.Cli.Hosting;

namespace Moesaic.Cli.Verbs;

/// <summary>What the verbs that generate share: how tokens are chosen and when an answer ends.</summary>
public abstract class SamplingOptions : ModelOptions
{
    [Option("system", MetaValue = "TEXT", HelpText = "A system message before the conversation.")]
    public string? System { get; set; }

    [Option("chat-template", MetaValue = "FILE", HelpText = "A Jinja file instead of the model's own chat template.")]
    public string? ChatTemplate { get; set; }

    [Option("temperature", MetaValue = "X", HelpText = "0 always takes the most probable token. Sampling left out here is as the model's generation_config.json says, else greedy (1 with --top-k, --top-p or --min-p).")]
    public float? Temperature { get; set; }

    [Option("top-k", MetaValue = "N", HelpText = "Draw among the N most probable tokens; 0: off.")]
    public int? TopK { get; set; }

    [Option("top-p", MetaValue = "X", HelpText = "Draw among the most probable tokens that together reach this share; 1: off.")]
    public float? TopP { get; set; }

    [Option("min-p", MetaValue = "X", HelpText = "Drop tokens below this share of the most probable one; 0: off.")]
    public float? MinP { get; set; }

    [Option("repetition-penalty", MetaValue = "X", HelpText = "Divides the logits of tokens seen before; 1: off.")]
    public float? RepetitionPenalty { get; set; }

    [Option("presence-penalty", MetaValue = "X", HelpText = "Subtracted once from tokens that the answer has; 0: off.")]
    public float? PresencePenalty { get; set; }

    [Option("frequency-penalty", MetaValue = "X", HelpText = "Subtracted for each time that the answer has a token; 0: off.")]
    public float? FrequencyPenalty { get; set; }

    [Option("logit-bias", MetaValue = "ID=X,...", HelpText = "Added to the logits of tokens; -inf forbids one.")]
    public string? LogitBias { get; set; }

    [Option("seed", MetaValue = "N", HelpText = "Makes the draw repeatable.")]
    public ulong? Seed { get; set; }

    [Repeatable]
    [Option("stop", MetaValue = "TEXT", HelpText = "Ends the answer before this text; may be given several times.")]
    public string? Stop { get; set; }

    [Option("max-tokens", MetaValue = "N", HelpText = "Most tokens of an answer; what the context holds when absent.")]
    public int? MaxTokens { get; set; }

    [Option("ignore-end", HelpText = "Go on past the model's end tokens.")]
    public bool IgnoreEnd { get; set; }
}
