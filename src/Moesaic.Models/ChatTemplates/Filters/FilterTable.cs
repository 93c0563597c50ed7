using Moesaic.Models.ChatTemplates.Runtime;
using Moesaic.Models.ChatTemplates.Values;
using Value = Moesaic.Models.ChatTemplates.ChatTemplateValue;

namespace Moesaic.Models.ChatTemplates.Filters;

/// <summary>A filter: the filtered value is the first positional argument.</summary>
internal delegate Value Filter(RenderContext context, CallArguments arguments);

/// <summary>Every filter by name.</summary>
internal static class FilterTable
{
    private static readonly Dictionary<string, Filter> Filters = new(
        [.. TextFilters.All, .. SequenceFilters.All, .. SelectionFilters.All, .. NumberFilters.All, .. JsonFilter.All]);

    // Filters of Jinja2 that make web pages, or whose output no prompt can depend on.
    private static readonly HashSet<string> Refused = ["urlize", "urlencode", "xmlattr", "pprint", "random", "filesizeformat", "wordwrap"];

    public static bool Exists(string name) => Filters.ContainsKey(name);

    public static Value Apply(RenderContext context, string name, Value value, CallArguments arguments)
    {
        if (Filters.TryGetValue(name, out Filter? filter))
        {
            Value result = filter(context, arguments.Prepend(value));
            if (result is StringValue text)
            {
                context.ChargeText(text.Text.Length);
            }

            return result;
        }

        throw Refused.Contains(name)
            ? TemplateFault.Unsupported($"the filter '{name}'")
            : TemplateFault.Runtime("TemplateAssertionError", $"No filter named '{name}'.");
    }
}
