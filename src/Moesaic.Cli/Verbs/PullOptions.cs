using CommandLine;
using Moesaic.Cli.Hosting;

namespace Moesaic.Cli.Verbs;

[Verb("pull", HelpText = "Fetch a model from a hub into the cache folder, where --model owner/repo finds it. A pull that was interrupted goes on where it was.")]
public sealed class PullOptions
{
    [Value(0, MetaName = "NAME", HelpText = "owner/repo, owner/repo@revision, owner/repo:Q4_K_M (its GGUF of a quantisation) or owner/repo/file.gguf.")]
    public IEnumerable<string> Name { get; set; } = [];

    [Option("revision", MetaValue = "NAME", HelpText = "A branch, tag or commit; the default branch when absent.")]
    public string? Revision { get; set; }

    [Option("include", MetaValue = "PATTERN", HelpText = "Fetch the files whose whole path matches (* and ?) instead of those that running the model takes; may be repeated."), Repeatable]
    public string? Include { get; set; }

    [Option('o', "output", MetaValue = "FOLDER", HelpText = "Where to, instead of the cache folder (MOESAIC_MODELS, else ~/.cache/moesaic/models).")]
    public string? Output { get; set; }

    [Option("endpoint", MetaValue = "URL", HelpText = "The hub (HF_ENDPOINT; default https://huggingface.co).")]
    public string? Endpoint { get; set; }

    [Option("token", MetaValue = "TOKEN", HelpText = "Shown to the hub, for models that are not for everybody. Other users of the machine see it: better HF_TOKEN.")]
    public string? Token { get; set; }

    [Option("json", HelpText = "Print one JSON object.")]
    public bool Json { get; set; }
}
