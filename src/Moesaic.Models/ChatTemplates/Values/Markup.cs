using System.Text;

namespace Moesaic.Models.ChatTemplates.Values;

/// <summary>HTML escaping, for the escape filter only: chat templates render without autoescape.</summary>
internal static class Markup
{
    public static string Escape(string text)
    {
        if (text.AsSpan().IndexOfAny("&<>'\"") < 0)
        {
            return text;
        }

        StringBuilder output = new(text.Length + 16);
        foreach (char c in text)
        {
            _ = c switch
            {
                '&' => output.Append("&amp;"),
                '<' => output.Append("&lt;"),
                '>' => output.Append("&gt;"),
                '\'' => output.Append("&#39;"),
                '"' => output.Append("&#34;"),
                _ => output.Append(c),
            };
        }

        return output.ToString();
    }
}
