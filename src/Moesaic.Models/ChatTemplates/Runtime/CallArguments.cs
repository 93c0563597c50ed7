using Moesaic.Models.ChatTemplates.Values;
using Value = Moesaic.Models.ChatTemplates.ChatTemplateValue;

namespace Moesaic.Models.ChatTemplates.Runtime;

/// <summary>Evaluated arguments of a call.</summary>
internal sealed class CallArguments(IReadOnlyList<Value> positional, IReadOnlyDictionary<string, Value>? keyword = null)
{
    private static readonly Dictionary<string, Value> NoKeywords = [];

    public static readonly CallArguments None = new([]);

    public IReadOnlyList<Value> Positional { get; } = positional;

    public IReadOnlyDictionary<string, Value> Keyword { get; } = keyword ?? NoKeywords;

    /// <summary>The same arguments after one more, as a filter gets its value first.</summary>
    public CallArguments Prepend(Value first) => new([first, .. Positional], Keyword);

    /// <summary>Positional arguments from an index on, with the same keywords.</summary>
    public CallArguments Skip(int count) => new([.. Positional.Skip(count)], Keyword);

    /// <summary>Puts the arguments in the order of a parameter list; absent optional ones are null.</summary>
    /// <param name="function">Name for error messages.</param>
    /// <param name="required">How many of the parameters must be given.</param>
    /// <param name="parameters">Parameter names; one that starts with a slash can only be given by position.</param>
    public Value?[] Bind(string function, int required, params ReadOnlySpan<string> parameters)
    {
        if (Positional.Count > parameters.Length)
        {
            throw TemplateFault.Type($"{function}() takes at most {parameters.Length} arguments ({Positional.Count} given)");
        }

        Value?[] bound = new Value?[parameters.Length];
        for (int i = 0; i < Positional.Count; i++)
        {
            bound[i] = Positional[i];
        }

        foreach ((string name, Value value) in Keyword)
        {
            int index = parameters.IndexOf(name);
            if (index < 0)
            {
                throw TemplateFault.Type($"{function}() got an unexpected keyword argument '{name}'");
            }

            if (bound[index] is not null)
            {
                throw TemplateFault.Type($"{function}() got multiple values for argument '{name}'");
            }

            bound[index] = value;
        }

        for (int i = 0; i < required; i++)
        {
            if (bound[i] is null)
            {
                throw TemplateFault.Type($"{function}() missing required argument: '{parameters[i].TrimStart('/')}'");
            }
        }

        return bound;
    }
}
