using System.Net;
using Microsoft.Extensions.Logging;
using Moesaic.Cli.Input;
using Moesaic.Cli.Pull;
using Moesaic.Engine;
using Moesaic.Interop;
using Moesaic.Models.Decoder;
using Moesaic.Server;

namespace Moesaic.Cli.Verbs;

/// <summary>Settings to what the host takes.</summary>
internal static class ServeRequest
{
    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromMinutes(10);

    /// <exception cref="UsageException">A setting has an impossible value, or two do not go together.</exception>
    public static ServerOptions Build(ServeSettings settings)
    {
        ServerOptions absent = new();
        TimeSpan timeout = settings.Seconds("request-timeout", 0) ?? DefaultTimeout;
        ServerOptions options = new()
        {
            Models = Sources(settings),
            Engine = EngineOptions(settings),
            Serving = ServingOptions(settings),
            ReplyFormat = ReplyFormat(settings),
            ReasoningFields = Choose(settings, "reasoning-fields", ReasoningFields.Both, ("both", ReasoningFields.Both), ("reasoning", ReasoningFields.Reasoning), ("reasoning_content", ReasoningFields.ReasoningContent)),
            Address = Address(settings),
            Port = settings.Integer("port", 0, IPEndPoint.MaxPort) ?? ServerOptions.DefaultPort,
            AllowedHosts = [.. settings.All("allowed-host").Select(static s => s.Value)],
            ApiKeys = ServeKeys.Read(settings),
            AdminKey = settings.Find("admin-key") is { } admin ? new ApiKey("admin", ServeKeys.Secret(admin.Value, admin.Origin)) : null,
            Tls = Tls(settings),
            RequestTimeout = timeout > TimeSpan.Zero ? timeout : null,
            KeepAliveInterval = settings.Seconds("keep-alive", 0) is { } interval ? interval > TimeSpan.Zero ? interval : null : absent.KeepAliveInterval,
            MaxUnreadTokens = settings.Integer("max-unread-tokens", 1) ?? absent.MaxUnreadTokens,
            MaxWaitingTexts = settings.Integer("max-waiting-texts", 1, 1 << 24) ?? absent.MaxWaitingTexts,
            DrainTimeout = settings.Seconds("drain-timeout", 0) ?? absent.DrainTimeout,
            MaxBodyBytes = (int)(settings.Bytes("max-body", 1024, 1 << 30) ?? absent.MaxBodyBytes),
            LogLevel = Choose(settings, "log-level", LogLevel.Information, ("debug", LogLevel.Debug), ("information", LogLevel.Information), ("warning", LogLevel.Warning), ("error", LogLevel.Error)),
            LogPrompts = settings.Switch("log-prompts", absent: false),
        };
        return options.AdminKey is { } key && options.ApiKeys.Any(k => k.Secret == key.Secret)
            ? throw new UsageException("the admin key is an API key too; choose another one")
            : options;
    }

    private static List<ModelSource> Sources(ServeSettings settings)
    {
        List<ModelSource> sources = [];
        foreach (ServeSetting setting in settings.All("model"))
        {
            // A path may hold '=' too: what stands before it is a name only if no such file exists.
            int mark = setting.Value.IndexOf('=', StringComparison.Ordinal);
            bool isNamed = mark >= 0 && !Path.Exists(setting.Value);
            ModelSource source = isNamed ? new(setting.Value[..mark].Trim(), setting.Value[(mark + 1)..]) : new(null, setting.Value);
            if (source is { Name: "" } or { Path: "" })
            {
                throw setting.Error("NAME=PATH or PATH");
            }

            // A pulled model is called as it was named.
            string? path = ModelCache.Resolve(source.Path);
            bool isRenamed = path == source.Path || settings.Find("served-model-name") is not null;
            sources.Add(new ModelSource(source.Name ?? (isRenamed ? null : source.Path), path));
        }

        if (settings.Find("served-model-name") is { } name)
        {
            return sources.Count > 1 ? throw new UsageException($"{name.Origin} names one model, but there are {sources.Count}: use --model NAME=PATH")
                : string.IsNullOrWhiteSpace(name.Value) ? throw name.Error("a name")
                : sources is [{ Name: not null }] ? throw new UsageException($"{name.Origin} and --model NAME=PATH both name the model")
                : [new ModelSource(name.Value, sources.Count == 0 ? null : sources[0].Path)];
        }

        return sources;
    }

    private static EngineOptions EngineOptions(ServeSettings settings)
    {
        Precision precision = Choose(settings, "precision", Precision.Fast, ("reference", Precision.Reference), ("fast", Precision.Fast));
        if (settings.Find("device") is { } device)
        {
            DeviceChoice.Check(device.Value, device.Origin);
        }

        return new EngineOptions
        {
            Device = ModelLoading.Device(settings.Find("isa")?.Value, settings.Integer("threads", 1, 1024), settings.Find("isa")?.Origin),
            Precision = precision,
            KvFormat = Choose(
                settings,
                "kv-format",
                precision == Precision.Reference ? KvFormat.F32 : KvFormat.BF16,
                ("f32", KvFormat.F32),
                ("bf16", KvFormat.BF16),
                ("int8", KvFormat.Int8)),
            MaxContext = settings.Integer("context", 1),
            ChatTemplatePath = settings.Find("chat-template")?.Value,
        };
    }

    private static ServingOptions ServingOptions(ServeSettings settings)
    {
        ServingOptions absent = new();
        ServingOptions serving = absent with
        {
            MaxSequences = settings.Integer("max-sequences", 1, 4096) ?? absent.MaxSequences,
            MaxTokensPerStep = settings.Integer("max-tokens-per-step", 1, 1 << 20) ?? absent.MaxTokensPerStep,
            MaxWaiting = settings.Integer("max-waiting", 1, 1 << 20) ?? absent.MaxWaiting,
            KvCacheBytes = settings.Bytes("kv-memory", 1 << 16, 1L << 50),
            PrefixCaching = settings.Switch("prefix-caching", absent.PrefixCaching),
        };
        return serving.MaxTokensPerStep >= serving.MaxSequences
            ? serving
            : throw new UsageException($"{serving.MaxTokensPerStep} tokens per step are fewer than {serving.MaxSequences} sequences, each of which needs one: raise --max-tokens-per-step or lower --max-sequences");
    }

    private static ReplyFormat? ReplyFormat(ServeSettings settings) => settings.Find("reply-format") is not { } name ? null
        : Moesaic.Engine.ReplyFormat.Names.Contains(name.Value)
            ? Moesaic.Engine.ReplyFormat.ByName(name.Value)
            : throw name.Error($"one of {string.Join(", ", Moesaic.Engine.ReplyFormat.Names)}");

    private static IPAddress Address(ServeSettings settings) => settings.Find("host") is not { } host ? IPAddress.Loopback
        : host.Value.Equals("localhost", StringComparison.OrdinalIgnoreCase) ? IPAddress.Loopback
        : IPAddress.TryParse(host.Value.Trim('[', ']'), out IPAddress? address) ? address
        : throw host.Error("an address such as 127.0.0.1, 0.0.0.0 or ::");

    private static TlsFiles? Tls(ServeSettings settings) => (settings.Find("tls-certificate"), settings.Find("tls-key")) switch
    {
        (null, null) => null,
        (null, { } key) => throw new UsageException($"{key.Origin} needs --tls-certificate"),
        ({ } certificate, var key) => new TlsFiles(certificate.Value, key?.Value),
    };

    private static T Choose<T>(ServeSettings settings, string name, T absent, params ReadOnlySpan<(string Word, T Value)> choices) =>
        settings.Find(name) is { } setting ? Choice.Parse(setting.Origin, setting.Value, absent, choices) : absent;
}
