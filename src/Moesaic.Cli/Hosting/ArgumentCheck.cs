using System.Reflection;
using CommandLine;

namespace Moesaic.Cli.Hosting;

/// <summary>
/// Finds what the parser passes over in silence: an option without its value, a value for a switch, an argument that no one takes.
/// </summary>
internal sealed class ArgumentCheck
{
    private readonly Dictionary<string, PropertyInfo> _options = [];
    private readonly bool _takesArguments;

    /// <param name="properties">Of the type that the options are parsed into.</param>
    public ArgumentCheck(IEnumerable<PropertyInfo> properties)
    {
        foreach (PropertyInfo property in properties)
        {
            _takesArguments |= property.GetCustomAttribute<ValueAttribute>() is not null;
            if (property.GetCustomAttribute<OptionAttribute>() is { } option)
            {
                _options.Add("--" + option.LongName, property);
                if (option.ShortName.Length > 0)
                {
                    _options.Add("-" + option.ShortName, property);
                }
            }
        }
    }

    /// <summary>Whether an argument is read as an option rather than as a value, such as a negative number.</summary>
    public static bool LooksLikeOption(string argument) =>
        argument.Length > 1 && argument[0] == '-' && !char.IsAsciiDigit(argument[1]) && argument[1] != '.';

    /// <summary>The first thing wrong with the arguments after the verb; null when there is nothing.</summary>
    public string? FindProblem(ReadOnlySpan<string> arguments)
    {
        int i = 0;
        for (; i < arguments.Length && arguments[i] != "--"; i++)
        {
            string name = arguments[i].Split('=', 2)[0];
            bool hasOwnValue = name.Length < arguments[i].Length;
            if (_options.TryGetValue(name, out PropertyInfo? property))
            {
                bool isSwitch = property.PropertyType == typeof(bool);
                if (isSwitch && hasOwnValue)
                {
                    return $"the option {name} takes no value";
                }

                if (!isSwitch && !hasOwnValue && ++i is var next && (next == arguments.Length || LooksLikeOption(arguments[next])))
                {
                    return $"the option {name} needs a value";
                }

                // A list of values goes on to the next option.
                while (property.PropertyType == typeof(IEnumerable<string>) && i + 1 < arguments.Length && !LooksLikeOption(arguments[i + 1]))
                {
                    i++;
                }
            }
            else if (!LooksLikeOption(arguments[i]) && !_takesArguments)
            {
                return $"'{arguments[i]}' is one argument too many: this verb takes options only";
            }
        }

        return i + 1 < arguments.Length && !_takesArguments ? $"'{arguments[i + 1]}' is one argument too many: this verb takes options only" : null;
    }

    /// <summary>What an option was given that its type cannot hold, and what it takes.</summary>
    /// <param name="longName">The option without dashes.</param>
    /// <param name="arguments">Those after the verb.</param>
    public string DescribeBadValue(string longName, ReadOnlySpan<string> arguments)
    {
        string option = "--" + longName;
        PropertyInfo property = _options[option];
        Type type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        string expected = type == typeof(int) ? $"a whole number of at most {int.MaxValue}"
            : type == typeof(ulong) ? $"a whole number from 0 to {ulong.MaxValue}"
            : "a number, such as 0.7";
        for (int i = 0; i < arguments.Length; i++)
        {
            string[] parts = arguments[i].Split('=', 2);
            if (_options.TryGetValue(parts[0], out PropertyInfo? found) && found == property)
            {
                string value = parts.Length == 2 ? parts[1] : i + 1 < arguments.Length ? arguments[i + 1] : "";
                return $"{option} is '{value}'; expected {expected}";
            }
        }

        return $"{option} needs {expected}";
    }
}
