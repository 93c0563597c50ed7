using CommandLine;
using CommandLine.Text;
using Moesaic.Cli.Verbs;

namespace Moesaic.Cli.Hosting;

/// <summary>Parses the command line and runs its verb.</summary>
internal static class CommandLineDispatcher
{
    private static readonly VerbEntry[] Verbs =
    [
        VerbEntry.Of<GenerateOptions>(GenerateCommand.RunAsync),
        VerbEntry.Of<ChatOptions>(ChatCommand.RunAsync),
        VerbEntry.Of<ScoreOptions>(ScoreCommand.RunAsync),
        VerbEntry.Of<EmbedOptions>(EmbedCommand.RunAsync),
        VerbEntry.Of<InspectOptions>(InspectCommand.RunAsync),
        VerbEntry.Of<QuantizeOptions>(QuantizeCommand.RunAsync),
        VerbEntry.Of<DoctorOptions>(DoctorCommand.RunAsync),
        VerbEntry.Of<TokenizeOptions>(TokenizeCommand.RunAsync),
        VerbEntry.Of<DetokenizeOptions>(DetokenizeCommand.RunAsync),
        VerbEntry.Of<TemplateOptions>(TemplateCommand.RunAsync),
        VerbEntry.Of<BenchOptions>(BenchCommand.RunAsync),
        VerbEntry.Of<BenchServeOptions>(BenchServeCommand.RunAsync),
        VerbEntry.Of<ServeOptions>(ServeCommand.RunAsync),
        VerbEntry.Of<PullOptions>(PullCommand.RunAsync),
    ];

    public static async Task<int> RunAsync(string[] args, Terminal terminal, CancellationToken cancellationToken)
    {
        args = args switch
        {
            ["help", var verb] => [verb, "--help"],
            ["-h"] => ["--help"],
            [var verb, "-h"] => [verb, "--help"],
            _ => args,
        };
        VerbEntry? named = args.Length > 0 ? Verbs.FirstOrDefault(v => v.Name == args[0]) : null;
        args = named?.JoinRepeated(args) ?? args;

        using Parser parser = new(settings =>
        {
            settings.HelpWriter = null;
            settings.EnableDashDash = true;
            settings.CaseInsensitiveEnumValues = true;
            settings.ParsingCulture = System.Globalization.CultureInfo.InvariantCulture;
        });
        ParserResult<object> result = parser.ParseArguments(args, [.. Verbs.Select(v => v.Options)]);
        if (result.Value is null)
        {
            return Reject(result, named, args, terminal);
        }

        VerbEntry entry = Verbs.First(v => v.Options == result.Value.GetType());
        return entry.Arguments().FindProblem(args.AsSpan(1)) is { } problem
            ? throw new UsageException($"{problem}; see moesaic {entry.Name} --help")
            : await entry.Run(result.Value, terminal, cancellationToken).ConfigureAwait(false);
    }

    private static int Reject(ParserResult<object> result, VerbEntry? named, string[] args, Terminal terminal)
    {
        Error error = result.Errors.First();
        switch (error)
        {
            case HelpRequestedError:
                terminal.Output.WriteLine(Help(result, args[0]));
                return ExitCodes.Success;
            case HelpVerbRequestedError:
                terminal.Output.WriteLine(Help(result, null));
                return ExitCodes.Success;
            case VersionRequestedError:
                terminal.Output.WriteLine(Version);
                return ExitCodes.Success;
            case NoVerbSelectedError:
                terminal.Error.WriteLine(Help(result, null));
                terminal.Fail("no verb given");
                return ExitCodes.BadUsage;
            case BadFormatConversionError bad when named is not null:
                terminal.Fail(named.Arguments().DescribeBadValue(bad.NameInfo.LongName, args.AsSpan(1)));
                return ExitCodes.BadUsage;
            default:
                terminal.Fail($"{Describe(error)}; see moesaic {(error is BadVerbSelectedError ? "" : args[0] + " ")}--help");
                return ExitCodes.BadUsage;
        }
    }

    private static string Version => "moesaic " + typeof(CommandLineDispatcher).Assembly.GetName().Version!.ToString(3);

    private static string Help(ParserResult<object> result, string? verb) => HelpText.AutoBuild(
        result,
        help =>
        {
            help.Heading = $"{Version}\nusage: moesaic {verb ?? "VERB"} [OPTIONS] [ARGUMENTS]";
            help.AddDashesToOption = verb is not null;
            help.Copyright = "";
            help.AdditionalNewLineAfterOption = false;
            help.MaximumDisplayWidth = 110;
            help.AddEnumValuesToHelpText = true;
            return help;
        },
        example => example,
        verbsIndex: verb is null).ToString();

    private static string Describe(Error error) => error switch
    {
        BadVerbSelectedError verb => $"unknown verb '{verb.Token}'",
        UnknownOptionError unknown => $"unknown option '{(unknown.Token.Length == 1 ? "-" : "--")}{unknown.Token}'",
        MissingRequiredOptionError missing => $"the option --{missing.NameInfo.LongName} is required",
        MissingValueOptionError missing => $"the option --{missing.NameInfo.LongName} needs a value",
        RepeatedOptionError repeated => $"the option --{repeated.NameInfo.LongName} is given twice",
        MutuallyExclusiveSetError exclusive => $"the option --{exclusive.NameInfo.LongName} does not go with the others given",
        BadFormatTokenError token => $"'{token.Token}' is not understood",
        SequenceOutOfRangeError sequence => $"--{sequence.NameInfo.LongName} has too few or too many values",
        _ => $"the command line is not understood ({error.Tag})",
    };
}
