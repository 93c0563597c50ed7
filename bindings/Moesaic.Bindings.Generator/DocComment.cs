using System.Text;
using System.Text.RegularExpressions;

namespace Moesaic.Bindings.Generator;

/// <summary>A C doc comment: its text and the parts that describe parameters.</summary>
/// <param name="Summary">Lines of the description.</param>
/// <param name="Parameters">C parameter names (several may share one text) and lines, in order.</param>
internal sealed partial record DocComment(
    IReadOnlyList<string> Summary, IReadOnlyList<(IReadOnlyList<string> Names, IReadOnlyList<string> Lines)> Parameters)
{
    /// <summary>Reads <c>/** ... @param name text ... */</c>; an empty comment gives empty parts.</summary>
    public static DocComment Parse(string raw)
    {
        List<string> summary = [];
        List<(IReadOnlyList<string> Names, IReadOnlyList<string> Lines)> parameters = [];
        List<string> current = summary;
        foreach (string line in Lines(raw))
        {
            string rest = line;
            for (Match match = Tag().Match(rest); match.Success; match = Tag().Match(rest))
            {
                Append(current, rest[..match.Index]);
                current = [];
                parameters.Add((match.Groups["names"].Value.Split(',', StringSplitOptions.TrimEntries), current));
                rest = rest[(match.Index + match.Length)..];
            }

            Append(current, rest);
        }

        return new DocComment(summary, parameters);
    }

    /// <summary>Lines of C# documentation, each with its <c>///</c>; none when there is nothing to say.</summary>
    /// <param name="parameters">C names of the function's parameters: a tag with another name is an error.</param>
    /// <param name="where">The declaration, for the error.</param>
    public IEnumerable<string> ToXml(IReadOnlyCollection<string> parameters, string where)
    {
        if (Summary.Count > 0)
        {
            foreach (string line in Element("summary", string.Empty, Summary))
            {
                yield return line;
            }
        }

        foreach ((IReadOnlyList<string> names, IReadOnlyList<string> lines) in Parameters)
        {
            foreach (string name in names)
            {
                if (!parameters.Contains(name))
                {
                    throw new GeneratorException($"{where}: the comment describes '{name}', which is no parameter.");
                }

                foreach (string line in Element("param", $" name=\"{Naming.Camel(name).TrimStart('@')}\"", lines))
                {
                    yield return line;
                }
            }
        }
    }

    private static IEnumerable<string> Element(string tag, string attributes, IReadOnlyList<string> lines)
    {
        for (int i = 0; i < lines.Count; i++)
        {
            StringBuilder line = new("/// ");
            if (i == 0)
            {
                line.Append('<').Append(tag).Append(attributes).Append('>');
            }

            line.Append(Escape(lines[i]));
            if (i == lines.Count - 1)
            {
                line.Append("</").Append(tag).Append('>');
            }

            yield return line.ToString();
        }
    }

    private static string Escape(string text)
    {
        string escaped = text.Replace("&", "&amp;", StringComparison.Ordinal)
            .Replace("<", "&lt;", StringComparison.Ordinal)
            .Replace(">", "&gt;", StringComparison.Ordinal);
        return Code().Replace(escaped, "<c>$1</c>");
    }

    private static IEnumerable<string> Lines(string raw)
    {
        foreach (string line in raw.Split('\n'))
        {
            string text = line.Trim();
            text = text.StartsWith("/**", StringComparison.Ordinal) ? text[3..]
                : text.StartsWith('*') && !text.StartsWith("*/", StringComparison.Ordinal) ? text[1..]
                : text;
            text = text.EndsWith("*/", StringComparison.Ordinal) ? text[..^2] : text;
            yield return text;
        }
    }

    private static void Append(List<string> lines, string text)
    {
        if (text.Trim() is { Length: > 0 } content)
        {
            lines.Add(content);
        }
    }

    [GeneratedRegex(@"@param\s+(?<names>\w+(\s*,\s*\w+)*)")]
    private static partial Regex Tag();

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Code();
}
