using Moesaic.Models.ChatTemplates.Runtime;
using Moesaic.Models.ChatTemplates.Values;
using Value = Moesaic.Models.ChatTemplates.ChatTemplateValue;

namespace Moesaic.Models.ChatTemplates.Filters;

/// <summary>map, select and reject: generators, as in Jinja2, that run when their items are asked for.</summary>
internal static class SelectionFilters
{
    public static Dictionary<string, Filter> All { get; } = new()
    {
        ["map"] = static (c, a) => new IteratorValue(Map(c, a).GetEnumerator()),
        ["select"] = static (c, a) => new IteratorValue(Select(c, a, byAttribute: false, keep: true).GetEnumerator()),
        ["reject"] = static (c, a) => new IteratorValue(Select(c, a, byAttribute: false, keep: false).GetEnumerator()),
        ["selectattr"] = static (c, a) => new IteratorValue(Select(c, a, byAttribute: true, keep: true).GetEnumerator()),
        ["rejectattr"] = static (c, a) => new IteratorValue(Select(c, a, byAttribute: true, keep: false).GetEnumerator()),
    };

    private static IEnumerable<Value> Map(RenderContext context, CallArguments arguments)
    {
        Value source = arguments.Positional[0];
        if (!source.IsTrue)
        {
            yield break;
        }

        Func<Value, Value> map = PrepareMap(context, arguments.Skip(1));
        foreach (Value item in Sequences.Each(context, source))
        {
            yield return map(item);
        }
    }

    private static Func<Value, Value> PrepareMap(RenderContext context, CallArguments arguments)
    {
        if (arguments.Positional.Count == 0 && arguments.Keyword.TryGetValue("attribute", out Value? attribute))
        {
            string? unexpected = arguments.Keyword.Keys.FirstOrDefault(k => k is not ("attribute" or "default"));
            if (unexpected is not null)
            {
                throw TemplateFault.Argument($"Unexpected keyword argument '{unexpected}'");
            }

            AttributePath path = AttributePath.Of(attribute);
            Value? otherwise = arguments.Keyword.GetValueOrDefault("default");
            return item => path.Get(item, otherwise);
        }

        if (arguments.Positional.Count == 0)
        {
            throw TemplateFault.Argument("map requires a filter argument");
        }

        string name = Parameters.Text(arguments.Positional[0], "map: the name of the filter");
        CallArguments rest = arguments.Skip(1);
        return item => FilterTable.Apply(context, name, item, rest);
    }

    private static IEnumerable<Value> Select(RenderContext context, CallArguments arguments, bool byAttribute, bool keep)
    {
        Value source = arguments.Positional[0];
        if (!source.IsTrue)
        {
            yield break;
        }

        Func<Value, bool> test = PrepareTest(context, arguments.Skip(1), byAttribute);
        foreach (Value item in Sequences.Each(context, source))
        {
            if (test(item) == keep)
            {
                yield return item;
            }
        }
    }

    private static Func<Value, bool> PrepareTest(RenderContext context, CallArguments arguments, bool byAttribute)
    {
        AttributePath path = AttributePath.Of(null);
        if (byAttribute)
        {
            if (arguments.Positional.Count == 0)
            {
                throw TemplateFault.Argument("Missing parameter for attribute name");
            }

            path = AttributePath.Of(arguments.Positional[0]);
            arguments = arguments.Skip(1);
        }

        if (arguments.Positional.Count == 0)
        {
            return item => path.Get(item).IsTrue;
        }

        string name = Parameters.Text(arguments.Positional[0], "the name of the test");
        CallArguments rest = arguments.Skip(1);
        return item => TestTable.Apply(context, name, path.Get(item), rest);
    }
}
