using System.Text;

namespace Moesaic.Cli.Hosting;

/// <summary>Several occurrences of an option as one string and back.</summary>
internal static class RepeatedValues
{
    // Before each value; no text that anybody types.
    private const char Mark = '\u001f';

    /// <summary>The values, in the order given.</summary>
    public static string[] Split(string? joined) => joined is null ? [] : joined.Split(Mark)[1..];

    /// <summary>Arguments in which an option occurs once, with all its values; an occurrence without a value stays as it is.</summary>
    public static string[] Join(string[] arguments, string option, Func<string, bool> looksLikeOption)
    {
        List<string> others = [];
        StringBuilder values = new();
        int end = Array.IndexOf(arguments, "--");
        end = end < 0 ? arguments.Length : end;
        for (int i = 0; i < end; i++)
        {
            if (arguments[i] == option && i + 1 < end && !looksLikeOption(arguments[i + 1]))
            {
                values.Append(Mark).Append(arguments[++i]);
            }
            else if (arguments[i].StartsWith(option + "=", StringComparison.Ordinal))
            {
                values.Append(Mark).Append(arguments[i].AsSpan(option.Length + 1));
            }
            else
            {
                others.Add(arguments[i]);
            }
        }

        if (values.Length > 0)
        {
            others.Add($"{option}={values}");
        }

        return [.. others, .. arguments[end..]];
    }
}
