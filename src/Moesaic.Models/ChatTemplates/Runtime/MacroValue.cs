using System.Text;
using Moesaic.Models.ChatTemplates.Syntax;
using Moesaic.Models.ChatTemplates.Values;
using Value = Moesaic.Models.ChatTemplates.ChatTemplateValue;

namespace Moesaic.Models.ChatTemplates.Runtime;

/// <summary>A macro or the body of a call block, with the scope it was written in.</summary>
internal sealed class MacroValue(Renderer renderer, MacroDefinition definition, Scope home) : CallableValue
{
    public MacroDefinition Definition { get; } = definition;

    public override string Name => Definition.Name;

    internal override string TypeName => "Macro";

    public override Value Call(RenderContext context, CallArguments arguments)
    {
        int line = context.Line;
        context.EnterCall($"macro '{Name}'");
        Scope scope = home.Inner();
        Bind(scope, arguments);
        StringBuilder output = new();
        renderer.Run(Definition.Body, scope, output);
        context.LeaveCall();
        context.Line = line;
        return new StringValue(output.ToString());
    }

    private void Bind(Scope scope, CallArguments arguments)
    {
        IReadOnlyList<(string Name, Expression? Default)> parameters = Definition.Parameters;
        Dictionary<string, Value> keyword = new(arguments.Keyword);
        List<(string Name, Expression? Default)> missing = [];
        for (int i = 0; i < parameters.Count; i++)
        {
            string name = parameters[i].Name;
            if (i < arguments.Positional.Count)
            {
                scope.Set(name, arguments.Positional[i]);
            }
            else if (keyword.Remove(name, out Value? given))
            {
                scope.Set(name, given);
            }
            else
            {
                // Seen as undefined by the defaults of parameters before it.
                scope.Set(name, UndefinedValue.Because($"parameter '{name}' was not provided"));
                missing.Add(parameters[i]);
            }
        }

        foreach ((string name, Expression? value) in missing)
        {
            if (value is not null)
            {
                scope.Set(name, renderer.Evaluator.Evaluate(value, scope));
            }
        }

        BindExtras(scope, arguments, keyword);
    }

    private void BindExtras(Scope scope, CallArguments arguments, Dictionary<string, Value> keyword)
    {
        if (Definition.UsesCaller && !HasParameter("caller"))
        {
            scope.Set("caller", keyword.Remove("caller", out Value? caller) ? caller : UndefinedValue.Because("No caller defined"));
        }

        if (Definition.UsesKwargs)
        {
            DictValue rest = new();
            foreach ((string name, Value value) in keyword)
            {
                rest.Set(new StringValue(name), value);
            }

            scope.Set("kwargs", rest);
        }
        else if (keyword.Count > 0)
        {
            throw TemplateFault.Type(keyword.ContainsKey("caller")
                ? $"macro '{Name}' was invoked with two values for the special caller argument or takes none: it never uses caller"
                : $"macro '{Name}' takes no keyword argument '{keyword.Keys.First()}'");
        }

        int extra = arguments.Positional.Count - Definition.Parameters.Count;
        if (Definition.UsesVarargs)
        {
            scope.Set("varargs", new TupleValue([.. arguments.Positional.Skip(Definition.Parameters.Count)]));
        }
        else if (extra > 0)
        {
            throw TemplateFault.Type($"macro '{Name}' takes not more than {Definition.Parameters.Count} argument(s)");
        }
    }

    private bool HasParameter(string name) => Definition.Parameters.Any(p => p.Name == name);
}
