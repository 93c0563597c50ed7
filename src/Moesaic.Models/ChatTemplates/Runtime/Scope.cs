using Value = Moesaic.Models.ChatTemplates.ChatTemplateValue;

namespace Moesaic.Models.ChatTemplates.Runtime;

/// <summary>Variables of one block; those of enclosing blocks are read through, never written.</summary>
internal sealed class Scope
{
    private readonly Scope? _parent;
    private readonly Dictionary<string, Value> _variables = [];

    private Scope(Scope? parent, Scope? template)
    {
        _parent = parent;
        Template = template ?? this;
    }

    /// <summary>The scope of the template's own top level.</summary>
    public Scope Template { get; }

    /// <summary>The top level of a template, inside a scope of globals and one of inputs.</summary>
    public static Scope ForTemplate(IReadOnlyDictionary<string, Value> globals, IEnumerable<KeyValuePair<string, Value>> inputs)
    {
        Scope outer = new(null, null);
        foreach ((string name, Value value) in globals)
        {
            outer.Set(name, value);
        }

        foreach ((string name, Value value) in inputs)
        {
            outer.Set(name, value);
        }

        return new Scope(outer, null);
    }

    public Scope Inner() => new(this, Template);

    public void Set(string name, Value value) => _variables[name] = value;

    public Value? Find(RenderContext context, string name)
    {
        for (Scope? scope = this; scope is not null; scope = scope._parent)
        {
            context.Charge(1);
            if (scope._variables.TryGetValue(name, out Value? value))
            {
                return value;
            }
        }

        return null;
    }
}
