using CommandLine;
using Moesaic.Cli.Hosting;

namespace Moesaic.Cli.Verbs;

/// <summary>
/// Flags of the service host. All are texts: each may also come from the environment or a file, and is checked in one place
/// wherever it came from (<see cref="ServeSettings"/>).
/// </summary>
[Verb("serve", HelpText = "Serve models over HTTP: OpenAI's and Anthropic's protocols and a chat page. Every option has a twin MOESAIC_NAME in the environment and a key in --config.")]
public sealed class ServeOptions
{
    [Option('m', "model", MetaValue = "[NAME=]PATH", HelpText = "A model to serve, under a name; may be repeated. The embedded model when absent."), Repeatable]
    public string? Model { get; set; }

    [Option("served-model-name", MetaValue = "NAME", HelpText = "What requests call the model, when there is one.")]
    public string? ServedModelName { get; set; }

    [Option("host", MetaValue = "ADDRESS", HelpText = "Address to listen on; 0.0.0.0 or :: for every one (default 127.0.0.1).")]
    public string? Host { get; set; }

    [Option("port", MetaValue = "N", HelpText = "Port to listen on; 0 for any free one (default 8000).")]
    public string? Port { get; set; }

    [Option("allowed-host", MetaValue = "NAME", HelpText = "A name, besides localhost and addresses, that requests may call this host by; may be repeated; * for any."), Repeatable]
    public string? AllowedHost { get; set; }

    [Option("api-key", MetaValue = "KEY", HelpText = "A key that opens the API; may be repeated. Other users of the machine see it: better MOESAIC_API_KEY or --api-key-file."), Repeatable]
    public string? ApiKey { get; set; }

    [Option("api-key-file", MetaValue = "FILE", HelpText = "Keys, one a line: KEY, or NAME KEY.")]
    public string? ApiKeyFile { get; set; }

    [Option("admin-key", MetaValue = "KEY", HelpText = "The key of the admin routes, which are absent without one.")]
    public string? AdminKey { get; set; }

    [Option("tls-certificate", MetaValue = "FILE", HelpText = "Certificate chain (PEM): the host then speaks HTTPS only.")]
    public string? TlsCertificate { get; set; }

    [Option("tls-key", MetaValue = "FILE", HelpText = "Private key (PEM) of the certificate; in the certificate's file when absent.")]
    public string? TlsKey { get; set; }

    [Option("context", MetaValue = "N", HelpText = "Most positions of a sequence; the model's own, at most 8192, when absent.")]
    public string? Context { get; set; }

    [Option("max-sequences", MetaValue = "N", HelpText = "Sequences that run at a time (default 64).")]
    public string? MaxSequences { get; set; }

    [Option("max-tokens-per-step", MetaValue = "N", HelpText = "Tokens of one step over all sequences (default 512).")]
    public string? MaxTokensPerStep { get; set; }

    [Option("max-waiting", MetaValue = "N", HelpText = "Requests in the waiting queue; further ones get 429 (default 1024).")]
    public string? MaxWaiting { get; set; }

    [Option("max-waiting-texts", MetaValue = "N", HelpText = "Texts that wait for their embeddings; further requests get 429 (default 65536).")]
    public string? MaxWaitingTexts { get; set; }

    [Option("kv-memory", MetaValue = "SIZE", HelpText = "Memory of each model's key-value cache, such as 2GiB; a share of what is free when absent.")]
    public string? KvMemory { get; set; }

    [Option("kv-format", MetaValue = "TYPE", HelpText = "Cached keys and values: f32, bf16 or int8 (default bf16; f32 with --precision reference).")]
    public string? KvFormat { get; set; }

    [Option("prefix-caching", MetaValue = "ON", HelpText = "Reuse the cache of equal beginnings of prompts: on or off (default on).")]
    public string? PrefixCaching { get; set; }

    [Option("request-timeout", MetaValue = "SECONDS", HelpText = "Longest time of a request, waiting included; then 504 (default 600; 0: none).")]
    public string? RequestTimeout { get; set; }

    [Option("keep-alive", MetaValue = "SECONDS", HelpText = "Silence after which a stream gets a sign of life (default 15; 0: none).")]
    public string? KeepAlive { get; set; }

    [Option("max-unread-tokens", MetaValue = "N", HelpText = "Tokens of an answer that may wait for a client which does not read its stream; then it is cancelled (default 2048).")]
    public string? MaxUnreadTokens { get; set; }

    [Option("drain-timeout", MetaValue = "SECONDS", HelpText = "How long running requests may go on after SIGTERM (default 30).")]
    public string? DrainTimeout { get; set; }

    [Option("max-body", MetaValue = "SIZE", HelpText = "Largest body of a request (default 16MiB).")]
    public string? MaxBody { get; set; }

    [Option("chat-template", MetaValue = "FILE", HelpText = "A chat template in place of the models' own.")]
    public string? ChatTemplate { get; set; }

    [Option("reply-format", MetaValue = "NAME", HelpText = "How replies mark tool calls and thinking; found from the model when absent.")]
    public string? ReplyFormat { get; set; }

    [Option("reasoning-fields", MetaValue = "NAMES", HelpText = "Field that tells thinking in chat completions: reasoning, reasoning_content or both (default both).")]
    public string? ReasoningFields { get; set; }

    [Option("threads", MetaValue = "N", HelpText = "Threads; every usable processor when absent.")]
    public string? Threads { get; set; }

    [Option("device", MetaValue = "KIND", HelpText = "Where to run: cpu; cuda and cuda:N are refused, since no model runs there yet (default cpu).")]
    public string? Device { get; set; }

    [Option("isa", MetaValue = "LEVEL", HelpText = "Highest instruction set to use: auto, portable, avx2 or avx512 (default auto).")]
    public string? Isa { get; set; }

    [Option("precision", MetaValue = "KIND", HelpText = "Arithmetic: reference (float32) or fast (default fast).")]
    public string? Precision { get; set; }

    [Option("log-level", MetaValue = "LEVEL", HelpText = "Least severe messages on standard error: debug, information, warning or error (default information).")]
    public string? LogLevel { get; set; }

    [Option("log-prompts", MetaValue = "ON", HelpText = "Write the bodies of requests to the log: on or off (default off).")]
    public string? LogPrompts { get; set; }

    [Option("config", MetaValue = "FILE", HelpText = "Settings as one JSON object, with the options' names as keys. A flag goes before the environment, that before the file.")]
    public string? Config { get; set; }
}
