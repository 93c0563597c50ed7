using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using CommandLine;

namespace Moesaic.Cli.Hosting;

/// <summary>A verb: the type its options are parsed into, and what runs it.</summary>
internal sealed class VerbEntry
{
    private const DynamicallyAccessedMemberTypes Needed =
        DynamicallyAccessedMemberTypes.PublicProperties | DynamicallyAccessedMemberTypes.PublicParameterlessConstructor;

    [DynamicallyAccessedMembers(Needed)]
    private readonly Type _options;

    private VerbEntry([DynamicallyAccessedMembers(Needed)] Type options, Func<object, Terminal, CancellationToken, Task<int>> run)
    {
        _options = options;
        Run = run;
        Name = options.GetCustomAttribute<VerbAttribute>()!.Name;
    }

    public string Name { get; }

    public Type Options => _options;

    public Func<object, Terminal, CancellationToken, Task<int>> Run { get; }

    public static VerbEntry Of<[DynamicallyAccessedMembers(Needed)] T>(Func<T, Terminal, CancellationToken, Task<int>> run)
        where T : notnull =>
        new(typeof(T), (options, terminal, cancellationToken) => run((T)options, terminal, cancellationToken));

    /// <summary>
    /// The first option that needs a value and has none; null when there is no such option. The parser itself takes
    /// an option without its value for one that is not there.
    /// </summary>
    public string? FindOptionWithoutValue(ReadOnlySpan<string> arguments)
    {
        HashSet<string> valued = [];
        foreach (PropertyInfo property in _options.GetProperties())
        {
            if (property.PropertyType != typeof(bool) && property.GetCustomAttribute<OptionAttribute>() is { } option)
            {
                valued.Add("--" + option.LongName);
                valued.Add("-" + option.ShortName);
            }
        }

        for (int i = 0; i < arguments.Length && arguments[i] != "--"; i++)
        {
            bool hasValue = i + 1 < arguments.Length && !LooksLikeOption(arguments[i + 1]);
            if (valued.Contains(arguments[i]) && !hasValue)
            {
                return arguments[i];
            }
        }

        return null;
    }

    /// <summary>The arguments with each repeatable option joined into one occurrence.</summary>
    public string[] JoinRepeated(string[] arguments)
    {
        foreach (PropertyInfo property in _options.GetProperties())
        {
            if (property.GetCustomAttribute<RepeatableAttribute>() is not null)
            {
                arguments = RepeatedValues.Join(arguments, "--" + property.GetCustomAttribute<OptionAttribute>()!.LongName, LooksLikeOption);
            }
        }

        return arguments;
    }

    private static bool LooksLikeOption(string argument) =>
        argument.Length > 1 && argument[0] == '-' && !char.IsAsciiDigit(argument[1]) && argument[1] != '.';
}
