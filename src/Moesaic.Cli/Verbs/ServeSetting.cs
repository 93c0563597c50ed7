namespace Moesaic.Cli.Verbs;

/// <summary>A value of a setting.</summary>
/// <param name="Value">As it was given.</param>
/// <param name="Origin">Where, for messages: the flag, the variable, or the file and its key.</param>
internal readonly record struct ServeSetting(string Value, string Origin)
{
    public UsageException Error(string expected) => new($"{Origin} is '{Value}'; expected {expected}");

    public UsageException SecretError(string problem) => new($"{Origin}: {problem}");
}
