using System.Reflection;
using System.Text.Json;
using CommandLine;
using Moesaic.Cli.Hosting;
using Moesaic.Cli.Verbs;
using Moesaic.Server;

namespace Moesaic.Cli.Tests;

/// <summary>Every option of serve works from the command line, the environment and the file alike, and says where a wrong value came from.</summary>
internal sealed class ServeSettingsTests
{
    // Values that cannot be.
    private static readonly Dictionary<string, string> s_wrong = new()
    {
        ["served-model-name"] = " ", ["host"] = "x.y", ["port"] = "70000", ["api-key"] = "two words", ["api-key-file"] = "/nowhere", ["admin-key"] = "a b",
        ["tls-key"] = "key.pem", ["context"] = "0", ["max-sequences"] = "0", ["max-tokens-per-step"] = "0", ["max-waiting"] = "0", ["max-waiting-texts"] = "0", ["kv-memory"] = "much",
        ["kv-format"] = "f64", ["prefix-caching"] = "maybe", ["request-timeout"] = "-1", ["keep-alive"] = "-1", ["max-unread-tokens"] = "0",
        ["drain-timeout"] = "-1", ["max-body"] = "1", ["reply-format"] = "x", ["reasoning-fields"] = "x", ["threads"] = "0", ["isa"] = "x", ["device"] = "cuda",
        ["precision"] = "x", ["log-level"] = "x", ["log-prompts"] = "x",
    };

    // Names and files: the host itself finds out whether they are any good.
    private static readonly Dictionary<string, Func<ServerOptions, string?>> s_taken = new()
    {
        ["model"] = static o => o.Models[0].Path,
        ["allowed-host"] = static o => o.AllowedHosts[0],
        ["tls-certificate"] = static o => o.Tls?.Certificate,
        ["chat-template"] = static o => o.Engine.ChatTemplatePath,
    };

    private static readonly PropertyInfo[] s_properties =
        [.. typeof(ServeOptions).GetProperties().Where(static p => p.GetCustomAttribute<OptionAttribute>() is { LongName: not "config" })];

    private static IEnumerable<string> Names => s_properties.Select(Name);

    [TestCaseSource(nameof(Names))]
    public void Every_option_works_from_all_three_places(string name)
    {
        using Samples samples = new();
        string variable = ServeSettings.Variable(name);
        string value = s_wrong.GetValueOrDefault(name, "/given");
        string file = samples.Write("c.json", JsonSerializer.Serialize(new Dictionary<string, string> { [name.Replace('-', '_')] = value }));
        ServeOptions flags = new();
        PropertyInfo property = Array.Find(s_properties, p => Name(p) == name)!;
        string argument = $"--{name}={value}";
        argument = property.GetCustomAttribute<RepeatableAttribute>() is null ? argument : RepeatedValues.Join([argument], "--" + name, static _ => false)[0];
        property.SetValue(flags, argument[(name.Length + "--=".Length)..]);
        Check(new ServeSettings(flags, static _ => null), "--" + name);
        Check(new ServeSettings(new ServeOptions(), v => v == variable ? value : null), variable);
        Check(new ServeSettings(new ServeOptions { Config = file }, static _ => null), file);

        void Check(ServeSettings settings, string origin)
        {
            if (s_taken.TryGetValue(name, out Func<ServerOptions, string?>? taken))
            {
                Assert.That(taken(ServeRequest.Build(settings)), Is.EqualTo(value), origin);
            }
            else
            {
                Assert.That(() => ServeRequest.Build(settings), Throws.TypeOf<UsageException>().With.Message.Contains(origin));
            }
        }
    }

    [TestCase(null, 65536)]
    [TestCase("1", 1)]
    [TestCase("700", 700)]
    public void The_queue_of_texts_is_as_long_as_told(string? value, int expected) =>
        Assert.That(ServeRequest.Build(new ServeSettings(new ServeOptions { MaxWaitingTexts = value }, static _ => null)).MaxWaitingTexts, Is.EqualTo(expected));

    private static string Name(PropertyInfo property) => property.GetCustomAttribute<OptionAttribute>()!.LongName;
}
