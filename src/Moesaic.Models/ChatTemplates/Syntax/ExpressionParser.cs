namespace Moesaic.Models.ChatTemplates.Syntax;

/// <summary>Jinja2's expression grammar, lowest precedence first.</summary>
internal sealed partial class ExpressionParser(TokenStream tokens)
{
    // A chain such as a + b + c + ... or x|f|g|... nests to the left without nesting the parser.
    private const int MaxChain = 500;

    /// <summary>Which of varargs, kwargs and caller were read since this was last emptied.</summary>
    public HashSet<string> SpecialNames { get; private set; } = [];

    public Expression ParseExpression() => ParseConditional();

    /// <summary>Starts a new set of special names and returns the one so far.</summary>
    public HashSet<string> ExchangeSpecialNames(HashSet<string> names)
    {
        HashSet<string> previous = SpecialNames;
        SpecialNames = names;
        return previous;
    }

    public Expression ParseWithoutConditional() => ParseOr();

    /// <summary>One expression, or several with commas between them as a tuple.</summary>
    /// <param name="allowConditional">Whether an inline if may follow (not in a for head, where if filters).</param>
    /// <param name="endName">A name that ends the tuple, beside the end of the tag.</param>
    /// <param name="inParentheses">Whether an empty tuple is allowed.</param>
    public Expression ParseTuple(bool allowConditional = true, string? endName = null, bool inParentheses = false)
    {
        int line = tokens.Line;
        List<Expression> items = [];
        bool isTuple = false;
        while (true)
        {
            if (items.Count > 0)
            {
                if (!tokens.SkipOperator(","))
                {
                    break;
                }

                isTuple = true;
            }

            if (IsTupleEnd(endName))
            {
                break;
            }

            items.Add(allowConditional ? ParseConditional() : ParseOr());
        }

        if (!isTuple)
        {
            if (items.Count > 0)
            {
                return items[0];
            }

            if (!inParentheses)
            {
                throw tokens.Unexpected("expected an expression");
            }
        }

        return new ListExpression(line, items, isTuple: true);
    }

    private bool IsTupleEnd(string? endName) =>
        tokens.Current.Kind is TokenKind.VariableEnd or TokenKind.BlockEnd
        || tokens.Current.IsOperator(")")
        || (endName is not null && tokens.Current.IsName(endName));

    private Expression ParseConditional()
    {
        tokens.Enter();
        Expression value = ParseOr();
        for (int count = 0; tokens.Current.IsName("if"); count++)
        {
            CheckChain(count);
            int line = tokens.Take().Line;
            Expression test = ParseOr();
            Expression? otherwise = tokens.SkipName("else") ? ParseConditional() : null;
            value = new ConditionalExpression(line, test, value, otherwise);
        }

        tokens.Leave();
        return value;
    }

    private Expression ParseOr()
    {
        Expression left = ParseAnd();
        for (int count = 0; tokens.Current.IsName("or"); count++)
        {
            CheckChain(count);
            int line = tokens.Take().Line;
            left = new LogicalExpression(line, isAnd: false, left, ParseAnd());
        }

        return left;
    }

    private Expression ParseAnd()
    {
        Expression left = ParseNot();
        for (int count = 0; tokens.Current.IsName("and"); count++)
        {
            CheckChain(count);
            int line = tokens.Take().Line;
            left = new LogicalExpression(line, isAnd: true, left, ParseNot());
        }

        return left;
    }

    private Expression ParseNot()
    {
        if (!tokens.Current.IsName("not"))
        {
            return ParseCompare();
        }

        int line = tokens.Take().Line;
        tokens.Enter();
        Expression operand = ParseNot();
        tokens.Leave();
        return new UnaryExpression(line, "not", operand);
    }

    private Expression ParseCompare()
    {
        int line = tokens.Line;
        Expression first = ParseSum();
        List<(string, Expression)> rest = [];
        while (true)
        {
            Token token = tokens.Current;
            if (token.Kind == TokenKind.Operator && (token.Text is "==" or "!=" or "<" or "<=" or ">" or ">="))
            {
                tokens.Take();
                rest.Add((token.Text, ParseSum()));
            }
            else if (tokens.SkipName("in"))
            {
                rest.Add(("in", ParseSum()));
            }
            else if (token.IsName("not") && tokens.Next.IsName("in"))
            {
                tokens.Take();
                tokens.Take();
                rest.Add(("not in", ParseSum()));
            }
            else
            {
                return rest.Count == 0 ? first : new CompareExpression(line, first, rest);
            }
        }
    }

    private Expression ParseSum()
    {
        Expression left = ParseConcat();
        for (int count = 0; tokens.Current.IsOperator("+") || tokens.Current.IsOperator("-"); count++)
        {
            CheckChain(count);
            Token symbol = tokens.Take();
            left = new BinaryExpression(symbol.Line, symbol.Text, left, ParseConcat());
        }

        return left;
    }

    private Expression ParseConcat()
    {
        int line = tokens.Line;
        List<Expression> parts = [ParseProduct()];
        while (tokens.SkipOperator("~"))
        {
            parts.Add(ParseProduct());
        }

        return parts.Count == 1 ? parts[0] : new ConcatExpression(line, parts);
    }

    private Expression ParseProduct()
    {
        Expression left = ParsePower();
        for (int count = 0; tokens.Current.Kind == TokenKind.Operator && (tokens.Current.Text is "*" or "/" or "//" or "%"); count++)
        {
            CheckChain(count);
            Token symbol = tokens.Take();
            left = new BinaryExpression(symbol.Line, symbol.Text, left, ParsePower());
        }

        return left;
    }

    // Jinja2 groups powers to the left, unlike Python.
    private Expression ParsePower()
    {
        Expression left = ParseUnary(withFilters: true);
        for (int count = 0; tokens.Current.IsOperator("**"); count++)
        {
            CheckChain(count);
            int line = tokens.Take().Line;
            left = new BinaryExpression(line, "**", left, ParseUnary(withFilters: true));
        }

        return left;
    }

    private Expression ParseUnary(bool withFilters)
    {
        Expression value;
        if (tokens.Current.IsOperator("-") || tokens.Current.IsOperator("+"))
        {
            Token symbol = tokens.Take();
            tokens.Enter();
            value = new UnaryExpression(symbol.Line, symbol.Text, ParseUnary(withFilters: false));
            tokens.Leave();
        }
        else
        {
            value = ParsePrimary();
        }

        value = ParsePostfix(value);
        return withFilters ? ParseFiltersAndTests(value) : value;
    }

    private void CheckChain(int count)
    {
        if (count > MaxChain)
        {
            throw tokens.Fail($"an expression chains more than {MaxChain} operators");
        }
    }
}
