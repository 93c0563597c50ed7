using Value = Moesaic.Models.ChatTemplates.ChatTemplateValue;

namespace Moesaic.Models.ChatTemplates.Syntax;

/// <summary>A node that gives a value.</summary>
/// <param name="line">Line of the template, from 1.</param>
internal abstract class Expression(int line)
{
    public int Line { get; } = line;
}

internal sealed class ConstantExpression(int line, Value value) : Expression(line)
{
    public Value Value { get; } = value;
}

internal sealed class NameExpression(int line, string name) : Expression(line)
{
    public string Name { get; } = name;
}

internal sealed class AttributeExpression(int line, Expression target, string name) : Expression(line)
{
    public Expression Target { get; } = target;

    public string Name { get; } = name;
}

internal sealed class ItemExpression(int line, Expression target, Expression key) : Expression(line)
{
    public Expression Target { get; } = target;

    public Expression Key { get; } = key;
}

/// <summary>start:stop:step inside a subscript; absent parts are null.</summary>
internal sealed class SliceExpression(int line, Expression? start, Expression? stop, Expression? step) : Expression(line)
{
    public Expression? Start { get; } = start;

    public Expression? Stop { get; } = stop;

    public Expression? Step { get; } = step;
}

internal sealed class ListExpression(int line, IReadOnlyList<Expression> items, bool isTuple) : Expression(line)
{
    public IReadOnlyList<Expression> Items { get; } = items;

    public bool IsTuple { get; } = isTuple;
}

internal sealed class DictExpression(int line, IReadOnlyList<(Expression Key, Expression Value)> entries) : Expression(line)
{
    public IReadOnlyList<(Expression Key, Expression Value)> Entries { get; } = entries;
}

/// <summary>Arithmetic of two operands.</summary>
internal sealed class BinaryExpression(int line, string symbol, Expression left, Expression right) : Expression(line)
{
    public string Symbol { get; } = symbol;

    public Expression Left { get; } = left;

    public Expression Right { get; } = right;
}

internal sealed class UnaryExpression(int line, string symbol, Expression operand) : Expression(line)
{
    /// <summary>-, + or not.</summary>
    public string Symbol { get; } = symbol;

    public Expression Operand { get; } = operand;
}

/// <summary>and, or: one of the operands is the value.</summary>
internal sealed class LogicalExpression(int line, bool isAnd, Expression left, Expression right) : Expression(line)
{
    public bool IsAnd { get; } = isAnd;

    public Expression Left { get; } = left;

    public Expression Right { get; } = right;
}

/// <summary>a &lt; b &lt;= c ...: each neighbour compared, every operand evaluated once.</summary>
internal sealed class CompareExpression(int line, Expression first, IReadOnlyList<(string Symbol, Expression Operand)> rest) : Expression(line)
{
    public Expression First { get; } = first;

    public IReadOnlyList<(string Symbol, Expression Operand)> Rest { get; } = rest;
}

/// <summary>a ~ b ~ c: the texts joined.</summary>
internal sealed class ConcatExpression(int line, IReadOnlyList<Expression> parts) : Expression(line)
{
    public IReadOnlyList<Expression> Parts { get; } = parts;
}

internal sealed class ConditionalExpression(int line, Expression test, Expression whenTrue, Expression? whenFalse) : Expression(line)
{
    public Expression Test { get; } = test;

    public Expression WhenTrue { get; } = whenTrue;

    public Expression? WhenFalse { get; } = whenFalse;
}

/// <summary>Arguments as written in a call, a filter or a test.</summary>
internal sealed class ArgumentList(
    IReadOnlyList<Expression> positional,
    IReadOnlyList<(string Name, Expression Value)> keyword,
    Expression? spread,
    Expression? keywordSpread)
{
    public static readonly ArgumentList Empty = new([], [], null, null);

    public IReadOnlyList<Expression> Positional { get; } = positional;

    public IReadOnlyList<(string Name, Expression Value)> Keyword { get; } = keyword;

    /// <summary>*args</summary>
    public Expression? Spread { get; } = spread;

    /// <summary>**kwargs</summary>
    public Expression? KeywordSpread { get; } = keywordSpread;
}

internal sealed class CallExpression(int line, Expression target, ArgumentList arguments) : Expression(line)
{
    public Expression Target { get; } = target;

    public ArgumentList Arguments { get; } = arguments;
}

internal sealed class FilterExpression(int line, Expression? target, string name, ArgumentList arguments) : Expression(line)
{
    /// <summary>Null inside a filter block, where the block's text is filtered.</summary>
    public Expression? Target { get; } = target;

    public string Name { get; } = name;

    public ArgumentList Arguments { get; } = arguments;
}

internal sealed class TestExpression(int line, Expression target, string name, ArgumentList arguments, bool negated) : Expression(line)
{
    public Expression Target { get; } = target;

    public string Name { get; } = name;

    public ArgumentList Arguments { get; } = arguments;

    public bool Negated { get; } = negated;
}
