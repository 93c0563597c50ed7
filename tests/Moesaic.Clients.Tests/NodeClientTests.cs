using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using Moesaic.TestSupport;

namespace Moesaic.Clients.Tests;

/// <summary>The openai package of npm, run by node, against the running host. One run of node makes all checks; each is a test here.</summary>
internal sealed partial class NodeClientTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(3);
    private static readonly string s_folder = Path.Combine(TestPaths.RepositoryRoot, "tests", "Moesaic.Clients.Tests", "node");
    private static readonly ConcurrentDictionary<string, string?> s_outcomes = [];
    private static string s_log = "";

    /// <summary>Names of the checks in the script.</summary>
    public static IEnumerable<string> Checks() => CheckName().Matches(File.ReadAllText(Path.Combine(s_folder, "clients.mjs"))).Select(m => m.Groups[1].Value);

    [OneTimeSetUp]
    public async Task RunNodeAsync()
    {
        Assert.That(Directory.Exists(Path.Combine(s_folder, "node_modules", "openai")), "the openai package is not installed; run npm ci in " + s_folder);
        ProcessStartInfo start = new("node", [Path.Combine(s_folder, "clients.mjs")])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = s_folder,
            Environment =
            {
                ["MOESAIC_URL"] = ClientHost.Url,
                ["MOESAIC_NARROW_URL"] = ClientHost.NarrowUrl,
                ["MOESAIC_KEY"] = ClientHost.Key,
                ["MOESAIC_MODEL"] = ClientHost.Model,
                ["MOESAIC_EXPECTED"] = JsonSerializer.Serialize(new Dictionary<string, object>
                {
                    ["answer"] = ScriptedCheckpoint.Answer,
                    ["resultAnswer"] = ScriptedCheckpoint.ResultAnswer,
                    ["toolName"] = ScriptedCheckpoint.ToolName,
                    ["toolArguments"] = new Dictionary<string, string> { ["city"] = "Paris" },
                    ["endlessWord"] = ScriptedCheckpoint.EndlessWord,
                }),
            },
        };
        using Process node = Process.Start(start)!;
        using CancellationTokenSource deadline = new(s_patience);
        try
        {
            Task<string> error = node.StandardError.ReadToEndAsync(deadline.Token);
            while (await node.StandardOutput.ReadLineAsync(deadline.Token) is { } line)
            {
                s_log += line + "\n";
                using JsonDocument outcome = JsonDocument.Parse(line);
                s_outcomes[outcome.RootElement.GetProperty("name").GetString()!] = outcome.RootElement.GetProperty("problem").GetString();
            }

            s_log += await error;
        }
        catch (OperationCanceledException)
        {
            s_log += "node did not end in time and was ended";
            node.Kill(entireProcessTree: true);
        }
    }

    [TestCaseSource(nameof(Checks))]
    public void Openai_package(string check)
    {
        Assert.That(s_outcomes, Contains.Key(check), s_log);
        Assert.That(s_outcomes[check], Is.Null, s_outcomes[check]);
    }

    [GeneratedRegex(@"^  async (\w+)\(\)", RegexOptions.Multiline)]
    private static partial Regex CheckName();
}
