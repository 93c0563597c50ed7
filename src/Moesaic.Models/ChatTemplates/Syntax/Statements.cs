namespace Moesaic.Models.ChatTemplates.Syntax;

/// <summary>A node that writes output or changes a scope.</summary>
/// <param name="line">Line of the template, from 1.</param>
internal abstract class Statement(int line)
{
    public int Line { get; } = line;
}

internal sealed class DataStatement(int line, string text) : Statement(line)
{
    public string Text { get; } = text;
}

internal sealed class PrintStatement(int line, Expression value) : Statement(line)
{
    public Expression Value { get; } = value;
}

/// <summary>if and its elif branches in order; the last branch has no test when there is an else.</summary>
internal sealed class IfStatement(int line, IReadOnlyList<(Expression? Test, IReadOnlyList<Statement> Body)> branches) : Statement(line)
{
    public IReadOnlyList<(Expression? Test, IReadOnlyList<Statement> Body)> Branches { get; } = branches;
}

internal sealed class ForStatement(int line) : Statement(line)
{
    public required AssignTarget Target { get; init; }

    public required Expression Items { get; init; }

    public Expression? Filter { get; init; }

    public bool IsRecursive { get; init; }

    public required IReadOnlyList<Statement> Body { get; init; }

    /// <summary>Rendered when no iteration came to its end.</summary>
    public required IReadOnlyList<Statement> Else { get; init; }
}

/// <summary>What a set, a for or a with assigns to: a name, an attribute of a namespace, or a pattern of them.</summary>
internal abstract record AssignTarget;

internal sealed record NameTarget(string Name) : AssignTarget;

internal sealed record NamespaceTarget(string Name, string Attribute) : AssignTarget;

internal sealed record TupleTarget(IReadOnlyList<AssignTarget> Items) : AssignTarget;

internal sealed class SetStatement(int line, AssignTarget target, Expression value) : Statement(line)
{
    public AssignTarget Target { get; } = target;

    public Expression Value { get; } = value;
}

/// <summary>set with a body: the rendered body, filtered, is the value.</summary>
internal sealed class SetBlockStatement(int line, AssignTarget target, FilterExpression? filter, IReadOnlyList<Statement> body) : Statement(line)
{
    public AssignTarget Target { get; } = target;

    public FilterExpression? Filter { get; } = filter;

    public IReadOnlyList<Statement> Body { get; } = body;
}

/// <summary>Parameters and body of a macro or of a call block.</summary>
internal sealed class MacroDefinition
{
    public required string Name { get; init; }

    /// <summary>Parameters; a default is evaluated at each call that needs it.</summary>
    public required IReadOnlyList<(string Name, Expression? Default)> Parameters { get; init; }

    public required IReadOnlyList<Statement> Body { get; init; }

    /// <summary>Whether the body mentions varargs, kwargs or caller: only then are such arguments taken.</summary>
    public bool UsesVarargs { get; init; }

    public bool UsesKwargs { get; init; }

    public bool UsesCaller { get; init; }
}

internal sealed class MacroStatement(int line, MacroDefinition macro) : Statement(line)
{
    public MacroDefinition Macro { get; } = macro;
}

internal sealed class CallBlockStatement(int line, CallExpression call, MacroDefinition caller) : Statement(line)
{
    public CallExpression Call { get; } = call;

    public MacroDefinition Caller { get; } = caller;
}

internal sealed class FilterBlockStatement(int line, FilterExpression filter, IReadOnlyList<Statement> body) : Statement(line)
{
    public FilterExpression Filter { get; } = filter;

    public IReadOnlyList<Statement> Body { get; } = body;
}

internal sealed class WithStatement(
    int line,
    IReadOnlyList<(AssignTarget Target, Expression Value)> assignments,
    IReadOnlyList<Statement> body) : Statement(line)
{
    public IReadOnlyList<(AssignTarget Target, Expression Value)> Assignments { get; } = assignments;

    public IReadOnlyList<Statement> Body { get; } = body;
}

/// <summary>A body in a scope of its own: a generation block, or a named block (there is no inheritance to override it).</summary>
internal sealed class ScopedStatement(int line, IReadOnlyList<Statement> body, bool seesLocals) : Statement(line)
{
    public IReadOnlyList<Statement> Body { get; } = body;

    /// <summary>Whether the variables of enclosing loops are visible; else only those of the template.</summary>
    public bool SeesLocals { get; } = seesLocals;
}

internal sealed class BreakStatement(int line) : Statement(line);

internal sealed class ContinueStatement(int line) : Statement(line);
