using System.Runtime.CompilerServices;
using Moesaic.Models.ChatTemplates.Runtime;
using Value = Moesaic.Models.ChatTemplates.ChatTemplateValue;

namespace Moesaic.Models.ChatTemplates.Values;

/// <summary>namespace(...): the one object whose attributes a template may set. Belongs to one rendering.</summary>
internal sealed class NamespaceValue : Value
{
    public Dictionary<string, Value> Attributes { get; } = [];

    internal override string TypeName => "Namespace";
}

/// <summary>Something a template can call.</summary>
internal abstract class CallableValue : Value
{
    /// <summary>Its name in error messages.</summary>
    public abstract string Name { get; }

    public abstract Value Call(RenderContext context, CallArguments arguments);
}

internal sealed class FunctionValue(string name, Func<RenderContext, CallArguments, Value> body, string typeName = "function") : CallableValue
{
    public override string Name { get; } = name;

    internal override string TypeName { get; } = typeName;

    public override Value Call(RenderContext context, CallArguments arguments) => body(context, arguments);
}

/// <summary>A generator: items are made as they are asked for, once.</summary>
internal sealed class IteratorValue(IEnumerator<Value> items, string typeName = "generator") : Value
{
    internal override string TypeName { get; } = typeName;

    internal override IEnumerator<Value> TryIterate()
    {
        while (Next(out Value? item))
        {
            yield return item;
        }
    }

    private bool Next([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out Value? item)
    {
        // Generators over generators recurse; a template can stack thousands of them.
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            throw TemplateFault.Limit("generators are stacked too deep");
        }

        bool more = items.MoveNext();
        item = more ? items.Current : null;
        return more;
    }
}

/// <summary>cycler(...): hands its items out in turn.</summary>
internal sealed class CyclerValue(IReadOnlyList<Value> items) : Value
{
    private int _position;

    internal override string TypeName => "Cycler";

    public Value Current => items[_position];

    public Value Next()
    {
        Value current = Current;
        _position = (_position + 1) % items.Count;
        return current;
    }

    public void Reset() => _position = 0;
}

/// <summary>joiner(sep): nothing at the first call, the separator at every later one.</summary>
internal sealed class JoinerValue(Value separator) : CallableValue
{
    private bool _used;

    public override string Name => "joiner";

    internal override string TypeName => "Joiner";

    public override Value Call(RenderContext context, CallArguments arguments)
    {
        Value result = _used ? separator : StringValue.Empty;
        _used = true;
        return result;
    }
}
