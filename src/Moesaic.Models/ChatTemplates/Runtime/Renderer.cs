using System.Text;
using Moesaic.Models.ChatTemplates.Syntax;
using Moesaic.Models.ChatTemplates.Values;
using Value = Moesaic.Models.ChatTemplates.ChatTemplateValue;

namespace Moesaic.Models.ChatTemplates.Runtime;

/// <summary>Runs statements, one rendering each.</summary>
internal sealed class Renderer
{
    private readonly RenderContext _context;

    public Renderer(RenderContext context)
    {
        _context = context;
        Evaluator = new Evaluator(context);
    }

    private enum Flow
    {
        Next,
        Break,
        Continue,
    }

    public Evaluator Evaluator { get; }

    /// <summary>Runs a body in a scope, writing to an output.</summary>
    public void Run(IReadOnlyList<Statement> body, Scope scope, StringBuilder output) => RunBody(body, scope, output);

    private Flow RunBody(IReadOnlyList<Statement> body, Scope scope, StringBuilder output)
    {
        foreach (Statement statement in body)
        {
            _context.Charge(1);
            _context.Line = statement.Line;
            Flow flow = Run(statement, scope, output);
            if (flow != Flow.Next)
            {
                return flow;
            }
        }

        return Flow.Next;
    }

    private Flow Run(Statement statement, Scope scope, StringBuilder output)
    {
        switch (statement)
        {
            case DataStatement data:
                _context.Append(output, data.Text);
                return Flow.Next;
            case PrintStatement print:
                Print(Evaluator.Evaluate(print.Value, scope), output);
                return Flow.Next;
            case IfStatement conditional:
                return RunIf(conditional, scope, output);
            case ForStatement loop:
                RunFor(loop, Evaluator.Evaluate(loop.Items, scope), scope, output, 0);
                return Flow.Next;
            case SetStatement set:
                Assign(set.Target, Evaluator.Evaluate(set.Value, scope), scope);
                return Flow.Next;
            case SetBlockStatement set:
                string text = Capture(set.Body, scope.Inner());
                Value value = set.Filter is null ? new StringValue(text) : Evaluator.ApplyToBlock(set.Filter, text, scope);
                Assign(set.Target, value, scope);
                return Flow.Next;
            case MacroStatement macro:
                scope.Set(macro.Macro.Name, new MacroValue(this, macro.Macro, scope));
                return Flow.Next;
            case CallBlockStatement call:
                Print(Evaluator.CallWith(call.Call, scope, new MacroValue(this, call.Caller, scope)), output);
                return Flow.Next;
            case FilterBlockStatement filter:
                Print(Evaluator.ApplyToBlock(filter.Filter, Capture(filter.Body, scope.Inner()), scope), output);
                return Flow.Next;
            case WithStatement with:
                return RunWith(with, scope, output);
            case ScopedStatement scoped:
                RunBody(scoped.Body, scoped.SeesLocals ? scope.Inner() : scope.Template.Inner(), output);
                return Flow.Next;
            case BreakStatement:
                return Flow.Break;
            case ContinueStatement:
                return Flow.Continue;
            default:
                throw new NotSupportedException(statement.GetType().Name);
        }
    }

    private void Print(Value value, StringBuilder output) => _context.Append(output, PythonText.Str(_context, value));

    private string Capture(IReadOnlyList<Statement> body, Scope scope)
    {
        StringBuilder output = new();
        RunBody(body, scope, output);
        return output.ToString();
    }

    private Flow RunIf(IfStatement conditional, Scope scope, StringBuilder output)
    {
        foreach ((Expression? test, IReadOnlyList<Statement> body) in conditional.Branches)
        {
            if (test is null || Evaluator.Evaluate(test, scope).IsTrue)
            {
                return RunBody(body, scope, output);
            }
        }

        return Flow.Next;
    }

    private Flow RunWith(WithStatement with, Scope scope, StringBuilder output)
    {
        Value[] values = [.. with.Assignments.Select(a => Evaluator.Evaluate(a.Value, scope))];
        Scope inner = scope.Inner();
        for (int i = 0; i < values.Length; i++)
        {
            Assign(with.Assignments[i].Target, values[i], inner);
        }

        return RunBody(with.Body, inner, output);
    }

    private void RunFor(ForStatement loop, Value items, Scope scope, StringBuilder output, int depth0)
    {
        IEnumerator<Value> iterator = Sequences.Iterate(_context, items);
        int knownLength = items.Length;
        if (loop.Filter is not null)
        {
            iterator = Filter(loop, loop.Filter, iterator, scope).GetEnumerator();
            knownLength = -1;
        }

        Func<Value, int, Value>? recurse = loop.IsRecursive ? (inner, depth) => Recurse(loop, inner, scope, depth) : null;
        LoopValue state = new(_context, iterator, knownLength, recurse, depth0);
        bool completed = false;
        while (state.Advance() is { } item)
        {
            Scope inner = scope.Inner();
            inner.Set("loop", state);
            Assign(loop.Target, item, inner);
            Flow flow = RunBody(loop.Body, inner, output);
            completed |= flow == Flow.Next;
            if (flow == Flow.Break)
            {
                break;
            }
        }

        // As in Jinja2, an iteration left by break or continue does not count as one.
        if (!completed)
        {
            RunBody(loop.Else, scope.Inner(), output);
        }
    }

    private IEnumerable<Value> Filter(ForStatement loop, Expression filter, IEnumerator<Value> items, Scope scope)
    {
        while (items.MoveNext())
        {
            Scope inner = scope.Inner();
            Assign(loop.Target, items.Current, inner);
            if (Evaluator.Evaluate(filter, inner).IsTrue)
            {
                yield return items.Current;
            }
        }
    }

    private StringValue Recurse(ForStatement loop, Value items, Scope scope, int depth0)
    {
        _context.EnterCall("a recursive loop");
        StringBuilder output = new();
        RunFor(loop, items, scope, output, depth0);
        _context.LeaveCall();
        return new StringValue(output.ToString());
    }

    private void Assign(AssignTarget target, Value value, Scope scope)
    {
        switch (target)
        {
            case NameTarget name:
                scope.Set(name.Name, value);
                break;
            case NamespaceTarget member:
                if (scope.Find(_context, member.Name) is not NamespaceValue space)
                {
                    throw TemplateFault.Runtime("TemplateRuntimeError", "cannot assign attribute on non-namespace object");
                }

                space.Attributes[member.Attribute] = value;
                break;
            case TupleTarget tuple:
                Unpack(tuple, value, scope);
                break;
        }
    }

    private void Unpack(TupleTarget target, Value value, Scope scope)
    {
        if (value.TryIterate() is null)
        {
            throw TemplateFault.Type($"cannot unpack non-iterable {value.TypeName} object");
        }

        int count = target.Items.Count;
        List<Value> items = [];
        foreach (Value item in Sequences.Each(_context, value))
        {
            if (items.Count == count)
            {
                throw TemplateFault.Value($"too many values to unpack (expected {count})");
            }

            items.Add(item);
        }

        if (items.Count < count)
        {
            throw TemplateFault.Value($"not enough values to unpack (expected {count}, got {items.Count})");
        }

        for (int i = 0; i < count; i++)
        {
            Assign(target.Items[i], items[i], scope);
        }
    }
}
