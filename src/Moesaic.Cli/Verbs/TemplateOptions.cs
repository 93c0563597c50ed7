using CommandLine;

namespace Moesaic.Cli.Verbs;

[Verb("template", HelpText = "Messages to the text a model reads, through a chat template. --jsonl: {\"messages\": [...], \"tools\": ..., \"add_generation_prompt\": true, \"bos_token\": ..., \"now\": ...} to {\"text\": ...} or {\"error\": ...}.")]
public sealed class TemplateOptions
{
    [Option('t', "template", MetaValue = "PATH", HelpText = "A Jinja file, chat_template.json, tokenizer_config.json, a model folder or a GGUF file; the embedded model's when absent.")]
    public string? Template { get; set; }

    [Option("template-name", MetaValue = "NAME", HelpText = "Which of several named templates; tool_use when there are tools, else default.")]
    public string? TemplateName { get; set; }

    [Option("jsonl", HelpText = "Program mode: read one JSON object a line from standard input, write one a line.")]
    public bool JsonLines { get; set; }

    [Option("json", HelpText = "Print one JSON object.")]
    public bool Json { get; set; }

    [Value(0, MetaName = "PROMPT", HelpText = "What the user says; standard input when absent.")]
    public IEnumerable<string> Prompt { get; set; } = [];

    [Option("system", MetaValue = "TEXT", HelpText = "A system message before it.")]
    public string? System { get; set; }

    [Option("input", MetaValue = "FILE", HelpText = "A JSON object as --jsonl reads, instead of a prompt.")]
    public string? Input { get; set; }

    [Option("no-generation-prompt", HelpText = "Do not open the assistant's turn.")]
    public bool NoGenerationPrompt { get; set; }
}
