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

    /// <summary>Checks of the arguments after the verb.</summary>
    public ArgumentCheck Arguments() => new(_options.GetProperties());

    /// <summary>The arguments with each repeatable option joined into one occurrence.</summary>
    public string[] JoinRepeated(string[] arguments)
    {
        foreach (PropertyInfo property in _options.GetProperties())
        {
            if (property.GetCustomAttribute<RepeatableAttribute>() is not null)
            {
                arguments = RepeatedValues.Join(arguments, "--" + property.GetCustomAttribute<OptionAttribute>()!.LongName, ArgumentCheck.LooksLikeOption);
            }
        }

        return arguments;
    }
}
