using System.Text.RegularExpressions;

namespace Moesaic.Models.Configurations;

/// <summary>Names modules in a quantisation configuration, in one of the spellings in use.</summary>
internal sealed class ModulePattern
{
    private const int MaxLength = 1000;
    private static readonly TimeSpan s_timeout = TimeSpan.FromMilliseconds(200);

    private readonly Regex? _regex;
    private readonly string[] _parts;
    private readonly bool _whole;

    private ModulePattern(string text, Regex? regex, bool whole)
    {
        Text = text;
        _regex = regex;
        _whole = whole;
        _parts = text.Split('.');
    }

    public string Text { get; }

    /// <summary>compressed-tensors: a full name, <c>re:</c> with a regular expression that matches from the start, or the class <c>Linear</c>, which is every module.</summary>
    public static ModulePattern OfCompressedTensors(ConfigReader config, string key, string text) =>
        text.StartsWith("re:", StringComparison.Ordinal) ? OfRegex(config, key, text, text[3..])
            : text == "Linear" ? new ModulePattern(text, null, whole: true) { MatchesAll = true }
            : new ModulePattern(text, null, whole: true);

    /// <summary>GPTQ's overrides: a regular expression that matches from the start.</summary>
    public static ModulePattern OfRegex(ConfigReader config, string key, string text, string expression)
    {
        try
        {
            return text.Length <= MaxLength
                ? new ModulePattern(text, new Regex($@"\A(?:{expression})", RegexOptions.CultureInvariant, s_timeout), whole: true)
                : throw config.Error(key, $"the pattern has {text.Length} characters; expected at most {MaxLength}.");
        }
        catch (ArgumentException e)
        {
            throw config.Error(key, $"'{text}' is no usable regular expression: {e.Message}");
        }
    }

    /// <summary>A run of whole name parts anywhere in the name; <c>*</c> stands for any text within a part, or for one whole part.</summary>
    public static ModulePattern OfParts(string text) => new(text.Trim('.'), null, whole: false);

    private bool MatchesAll { get; init; }

    /// <exception cref="ModelFormatException">A regular expression takes too long.</exception>
    public bool Matches(string module, ConfigReader config)
    {
        if (MatchesAll)
        {
            return true;
        }

        try
        {
            return _regex?.IsMatch(module) ?? (_whole ? Text == module : MatchesParts(module.Split('.')));
        }
        catch (RegexMatchTimeoutException)
        {
            throw config.Error("quantization_config", $"the pattern '{Text}' takes too long to match '{module}'.");
        }
    }

    private bool MatchesParts(string[] name)
    {
        for (int start = 0; start + _parts.Length <= name.Length; start++)
        {
            int i = 0;
            while (i < _parts.Length && MatchesPart(_parts[i], name[start + i]))
            {
                i++;
            }

            if (i == _parts.Length)
            {
                return true;
            }
        }

        return false;
    }

    private static bool MatchesPart(string pattern, string part)
    {
        string[] pieces = pattern.Split('*');
        if (pieces.Length == 1)
        {
            return pattern == part;
        }

        if (!part.StartsWith(pieces[0], StringComparison.Ordinal) || !part.EndsWith(pieces[^1], StringComparison.Ordinal) || part.Length < pieces[0].Length + pieces[^1].Length)
        {
            return false;
        }

        int at = pieces[0].Length;
        int end = part.Length - pieces[^1].Length;
        foreach (string piece in pieces[1..^1])
        {
            int found = part.IndexOf(piece, at, end - at, StringComparison.Ordinal);
            if (found < 0)
            {
                return false;
            }

            at = found + piece.Length;
        }

        return true;
    }
}
