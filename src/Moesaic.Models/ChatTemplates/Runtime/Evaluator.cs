using System.Text;
using Moesaic.Models.ChatTemplates.Filters;
using Moesaic.Models.ChatTemplates.Syntax;
using Moesaic.Models.ChatTemplates.Values;
using Value = Moesaic.Models.ChatTemplates.ChatTemplateValue;

namespace Moesaic.Models.ChatTemplates.Runtime;

/// <summary>Evaluates expressions.</summary>
internal sealed class Evaluator(RenderContext context)
{
    public Value Evaluate(Expression expression, Scope scope)
    {
        context.Charge(1);
        RenderContext.CheckStack();
        switch (expression)
        {
            case ConstantExpression constant:
                return constant.Value;
            case NameExpression name:
                return scope.Find(context, name.Name) ?? UndefinedValue.Variable(name.Name);
            case AttributeExpression attribute:
                return Members.Attribute(Located(Evaluate(attribute.Target, scope), attribute), attribute.Name);
            case ItemExpression item:
                return EvaluateItem(item, scope);
            case FilterExpression filter:
                Value target = Evaluate(filter.Target!, scope);
                CallArguments filterArguments = EvaluateArguments(filter.Arguments, scope, null);
                return ApplyFilter(filter, target, filterArguments);
            case TestExpression test:
                return EvaluateTest(test, scope);
            case CallExpression call:
                return CallWith(call, scope, null);
            case BinaryExpression binary:
                Value left = Evaluate(binary.Left, scope);
                Value right = Evaluate(binary.Right, scope);
                context.Line = binary.Line;
                return Arithmetic.Apply(context, binary.Symbol, left, right);
            case CompareExpression compare:
                return EvaluateCompare(compare, scope);
            case LogicalExpression logical:
                Value first = Evaluate(logical.Left, scope);
                return first.IsTrue == logical.IsAnd ? Evaluate(logical.Right, scope) : first;
            case UnaryExpression unary:
                return EvaluateUnary(unary, scope);
            case ConditionalExpression conditional:
                return EvaluateConditional(conditional, scope);
            case ConcatExpression concat:
                return EvaluateConcat(concat, scope);
            case ListExpression list:
                Value[] items = [.. list.Items.Select(i => Evaluate(i, scope))];
                return list.IsTuple ? new TupleValue(items) : new ListValue(items);
            case DictExpression dict:
                return EvaluateDict(dict, scope);
            case SliceExpression:
                throw TemplateFault.Unsupported("a slice within a tuple of subscripts");
            default:
                throw new NotSupportedException(expression.GetType().Name);
        }
    }

    /// <summary>A call, with the caller that a call block adds.</summary>
    public Value CallWith(CallExpression call, Scope scope, MacroValue? caller)
    {
        Value target = Evaluate(call.Target, scope);
        CallArguments arguments = EvaluateArguments(call.Arguments, scope, caller);
        context.Line = call.Line;
        return target switch
        {
            CallableValue callable => callable.Call(context, arguments),
            UndefinedValue undefined => throw undefined.Fault(),
            _ => throw TemplateFault.Type($"'{target.TypeName}' object is not callable"),
        };
    }

    /// <summary>Filters of a set or filter block, on the text of its body.</summary>
    public Value ApplyToBlock(FilterExpression filter, string text, Scope scope)
    {
        RenderContext.CheckStack();
        Value target = filter.Target is FilterExpression inner ? ApplyToBlock(inner, text, scope) : new StringValue(text);
        return ApplyFilter(filter, target, EvaluateArguments(filter.Arguments, scope, null));
    }

    private Value Located(Value value, Expression expression)
    {
        context.Line = expression.Line;
        return value;
    }

    private Value ApplyFilter(FilterExpression filter, Value target, CallArguments arguments)
    {
        context.Line = filter.Line;
        return FilterTable.Apply(context, filter.Name, target, arguments);
    }

    private BoolValue EvaluateTest(TestExpression test, Scope scope)
    {
        Value target = Evaluate(test.Target, scope);
        CallArguments arguments = EvaluateArguments(test.Arguments, scope, null);
        context.Line = test.Line;
        return BoolValue.Of(TestTable.Apply(context, test.Name, target, arguments) != test.Negated);
    }

    private Value EvaluateItem(ItemExpression item, Scope scope)
    {
        Value target = Evaluate(item.Target, scope);
        if (item.Key is not SliceExpression slice)
        {
            Value key = Evaluate(item.Key, scope);
            context.Line = item.Line;
            return Members.Item(target, key);
        }

        Value start = Part(slice.Start, scope);
        Value stop = Part(slice.Stop, scope);
        Value step = Part(slice.Step, scope);
        context.Line = item.Line;
        if (target is UndefinedValue undefined)
        {
            throw undefined.Fault();
        }

        return Sequences.Slice(context, target, start, stop, step) ?? (target is DictValue
            ? throw TemplateFault.Type("unhashable type: 'slice'")
            : UndefinedValue.Element(target, "slice"));
    }

    private Value Part(Expression? part, Scope scope) => part is null ? NoneValue.Instance : Evaluate(part, scope);

    private Value EvaluateUnary(UnaryExpression unary, Scope scope)
    {
        Value operand = Evaluate(unary.Operand, scope);
        context.Line = unary.Line;
        return unary.Symbol switch
        {
            "not" => BoolValue.Of(!operand.IsTrue),
            "-" => Arithmetic.Negate(operand),
            _ => Arithmetic.Plus(operand),
        };
    }

    private Value EvaluateConditional(ConditionalExpression conditional, Scope scope)
    {
        if (Evaluate(conditional.Test, scope).IsTrue)
        {
            return Evaluate(conditional.WhenTrue, scope);
        }

        return conditional.WhenFalse is null
            ? UndefinedValue.Because(
                $"the inline if-expression on line {conditional.Line} evaluated to false and no else section was defined.")
            : Evaluate(conditional.WhenFalse, scope);
    }

    private StringValue EvaluateConcat(ConcatExpression concat, Scope scope)
    {
        StringBuilder text = new();
        foreach (Expression part in concat.Parts)
        {
            context.Append(text, PythonText.Str(context, Evaluate(part, scope)));
        }

        return new StringValue(text.ToString());
    }

    private DictValue EvaluateDict(DictExpression expression, Scope scope)
    {
        DictValue dict = new();
        foreach ((Expression key, Expression value) in expression.Entries)
        {
            dict.Set(Evaluate(key, scope), Evaluate(value, scope));
        }

        return dict;
    }

    private BoolValue EvaluateCompare(CompareExpression compare, Scope scope)
    {
        Value left = Evaluate(compare.First, scope);
        foreach ((string symbol, Expression operand) in compare.Rest)
        {
            Value right = Evaluate(operand, scope);
            context.Line = compare.Line;
            if (!Compare(symbol, left, right))
            {
                return BoolValue.False;
            }

            left = right;
        }

        return BoolValue.True;
    }

    private bool Compare(string symbol, Value left, Value right) => symbol switch
    {
        "==" => Comparisons.AreEqual(context, left, right),
        "!=" => !Comparisons.AreEqual(context, left, right),
        "in" => Comparisons.Contains(context, right, left),
        "not in" => !Comparisons.Contains(context, right, left),
        _ => TestTable.Ordered(context, symbol, left, right),
    };

    private CallArguments EvaluateArguments(ArgumentList list, Scope scope, MacroValue? caller)
    {
        if (ReferenceEquals(list, ArgumentList.Empty) && caller is null)
        {
            return CallArguments.None;
        }

        List<Value> positional = new(list.Positional.Count);
        foreach (Expression argument in list.Positional)
        {
            positional.Add(Evaluate(argument, scope));
        }

        Dictionary<string, Value>? keyword = null;
        foreach ((string name, Expression argument) in list.Keyword)
        {
            AddKeyword(keyword ??= [], name, Evaluate(argument, scope));
        }

        if (list.Spread is not null)
        {
            positional.AddRange(Sequences.ToList(context, Evaluate(list.Spread, scope)));
        }

        if (list.KeywordSpread is not null)
        {
            if (Evaluate(list.KeywordSpread, scope) is not DictValue dict)
            {
                throw TemplateFault.Type("argument after ** must be a mapping");
            }

            foreach ((Value key, Value value) in dict.Entries)
            {
                AddKeyword(keyword ??= [], key.AsText() ?? throw TemplateFault.Type("keywords must be strings"), value);
            }
        }

        if (caller is not null)
        {
            AddKeyword(keyword ??= [], "caller", caller);
        }

        return new CallArguments(positional, keyword);
    }

    private static void AddKeyword(Dictionary<string, Value> keyword, string name, Value value)
    {
        if (!keyword.TryAdd(name, value))
        {
            throw TemplateFault.Type($"got multiple values for keyword argument '{name}'");
        }
    }
}
