using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;

namespace Moesaic.Architecture.Tests;

/// <summary>The two build scripts and the program know the same verbs.</summary>
internal sealed partial class BuildScriptTests
{
    private static readonly string s_shell = Repository.Read("build.sh");
    private static readonly string s_powerShell = Repository.Read("build.ps1");

    [TestCase("program_verbs", "programVerbs")]
    [TestCase("script_verbs", "scriptVerbs")]
    public void Both_scripts_list_the_same_verbs_in_the_same_order(string shellName, string powerShellName) =>
        Assert.That(PowerShellList(powerShellName), Is.EqualTo(ShellList(shellName)).And.Not.Empty);

    [Test]
    public void The_scripts_know_every_verb_of_the_program()
    {
        string[] verbs =
        [
            .. Repository.Files("src/Moesaic.Cli/Verbs", "*.cs").Select(f => VerbAttribute().Match(Repository.Read(f)))
                .Where(m => m.Success).Select(m => m.Groups[1].Value),
        ];
        Assert.That(ShellList("program_verbs"), Is.EquivalentTo(verbs).And.Not.Empty);
    }

    [Test]
    public void Each_script_has_a_branch_for_each_of_its_verbs()
    {
        // Branches, in bash as "build) ..." and in PowerShell as "'build' { ..."; those of the program share one.
        string[] shell = [.. ShellBranch().Matches(After(s_shell, "case \"$verb\" in")).Select(m => m.Groups[1].Value)];
        string[] powerShell = [.. PowerShellBranch().Matches(After(s_powerShell, "switch ($verb)")).Select(m => m.Groups[1].Value)];
        Assert.That(shell, Is.EquivalentTo(ShellList("script_verbs")));
        Assert.That(powerShell, Is.EquivalentTo(ShellList("script_verbs")));
    }

    [Test]
    public void The_help_text_names_every_verb()
    {
        string help = After(s_shell, "usage() {").Split("\n}\n", 2)[0];
        Assert.That(
            ShellList("program_verbs").Concat(ShellList("script_verbs")).Where(v => !Regex.IsMatch(help, $@"(^|[ |]){v}([ |]|$)", RegexOptions.Multiline)),
            Is.Empty);
    }

    [Test]
    [Platform("Linux", Reason = "bash and its /dev/tcp")]
    public void The_comparison_of_servers_needs_its_ports()
    {
        using TcpListener taken = new(IPAddress.Loopback, 18602);
        try
        {
            taken.Start();
        }
        catch (SocketException)
        {
            // Somebody else has it, which is the same.
        }

        ProcessStartInfo start = new("bash", ["scripts/compare-serve.sh", "--only", "moesaic"]) { WorkingDirectory = Repository.Root, RedirectStandardError = true };
        start.Environment["MOESAIC_PROGRAM"] = "/bin/true";
        using Process script = Process.Start(start)!;
        string error = script.StandardError.ReadToEnd();
        Assert.That(script.WaitForExit(TimeSpan.FromMinutes(1)));
        Assert.That((script.ExitCode, error.Contains("port 18602 is in use", StringComparison.Ordinal)), Is.EqualTo((1, true)), error);
    }

    private static string[] ShellList(string name) =>
        Regex.Match(s_shell, $"^{name}=\"([^\"]*)\"", RegexOptions.Multiline).Groups[1].Value.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    private static string[] PowerShellList(string name) =>
        [.. Regex.Match(s_powerShell, $@"^\${name} = (.*)$", RegexOptions.Multiline).Groups[1].Value.Split(", ").Select(v => v.Trim('\'', '\r'))];

    private static string After(string text, string mark) => text[text.IndexOf(mark, StringComparison.Ordinal)..];

    [GeneratedRegex(@"\[Verb\(""([a-z-]+)""")]
    private static partial Regex VerbAttribute();

    [GeneratedRegex(@"^  ([a-z][a-z-]*)(?: \| --?[a-z]+)*\) ", RegexOptions.Multiline)]
    private static partial Regex ShellBranch();

    [GeneratedRegex(@"^    '([a-z-]+)' \{", RegexOptions.Multiline)]
    private static partial Regex PowerShellBranch();
}
