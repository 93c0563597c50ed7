namespace Moesaic.Cli.Input;

/// <summary>An option whose value is one of a few words.</summary>
internal static class Choice
{
    /// <exception cref="UsageException">The value is none of the words.</exception>
    public static T Parse<T>(string option, string? value, T absent, params ReadOnlySpan<(string Word, T Value)> choices)
    {
        if (value is null)
        {
            return absent;
        }

        List<string> words = [];
        foreach ((string word, T result) in choices)
        {
            if (string.Equals(word, value, StringComparison.OrdinalIgnoreCase))
            {
                return result;
            }

            words.Add(word);
        }

        throw new UsageException($"{option} is '{value}'; expected {string.Join(", ", words[..^1])} or {words[^1]}");
    }
}
