using CommandLine;

namespace Moesaic.Cli.Verbs;

[Verb("chat", HelpText = "Talk with a model; one line a turn. /help lists the commands; Ctrl-C stops an answer, Ctrl-D leaves.")]
public sealed class ChatOptions : SamplingOptions;
