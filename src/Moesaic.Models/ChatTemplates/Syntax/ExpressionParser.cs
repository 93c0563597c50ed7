using System.Globalization;
using System.Numerics;
using Moesaic.Models.ChatTemplates.Values;
using Value = Moesaic.Models.ChatTemplates.ChatTemplateValue;

namespace Moesaic.Models.ChatTemplates.Syntax;

/// <summary>Jinja2's expression grammar, lowest precedence first.</summary>
internal sealed class ExpressionParser(TokenStream tokens)
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

    /// <summary>The filters after a value; null target for a filter block, whose pipe before the first name is absent.</summary>
    public FilterExpression? ParseFilterChain(Expression? target, bool startInline)
    {
        FilterExpression? filter = null;
        for (int count = 0; startInline || tokens.Current.IsOperator("|"); count++)
        {
            CheckChain(count);
            if (!startInline)
            {
                tokens.Take();
            }

            startInline = false;
            Token name = tokens.Expect(TokenKind.Name, "the name of a filter");
            string fullName = ParseDottedRest(name.Text);
            ArgumentList arguments = tokens.Current.IsOperator("(") ? ParseArguments() : ArgumentList.Empty;
            filter = new FilterExpression(name.Line, filter ?? target, fullName, arguments);
        }

        return filter;
    }

    private static bool IsReserved(string name) => name is "true" or "True" or "false" or "False" or "none" or "None";

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

    private Expression ParsePrimary()
    {
        Token token = tokens.Current;
        switch (token.Kind)
        {
            case TokenKind.Name:
                tokens.Take();
                if (token.Text is "varargs" or "kwargs" or "caller")
                {
                    SpecialNames.Add(token.Text);
                }

                return IsReserved(token.Text)
                    ? new ConstantExpression(token.Line, Reserved(token.Text))
                    : new NameExpression(token.Line, token.Text);
            case TokenKind.String:
                return ParseString();
            case TokenKind.Integer:
                tokens.Take();
                return new ConstantExpression(token.Line, new IntValue(ParseInteger(token)));
            case TokenKind.Float:
                tokens.Take();
                return new ConstantExpression(
                    token.Line, new FloatValue(double.Parse(token.Text, NumberStyles.Float, CultureInfo.InvariantCulture)));
            case TokenKind.Operator when token.Text == "(":
                return Nested(() =>
                {
                    tokens.Take();
                    Expression inner = ParseTuple(inParentheses: true);
                    tokens.ExpectOperator(")");
                    return inner;
                });
            case TokenKind.Operator when token.Text == "[":
                return Nested(ParseList);
            case TokenKind.Operator when token.Text == "{":
                return Nested(ParseDict);
            default:
                throw tokens.Fail($"unexpected {token.Describe()}");
        }
    }

    private static Value Reserved(string name) => name switch
    {
        "true" or "True" => BoolValue.True,
        "false" or "False" => BoolValue.False,
        _ => NoneValue.Instance,
    };

    private static BigInteger ParseInteger(Token token)
    {
        string text = token.Text;
        if (text.Length > IntValue.MaxDigits)
        {
            throw new SyntaxFault($"an integer has more than {IntValue.MaxDigits} digits", token.Line);
        }

        if (text.Length > 2 && text[0] == '0' && !char.IsAsciiDigit(text[1]))
        {
            int bits = char.ToLowerInvariant(text[1]) switch { 'x' => 4, 'o' => 3, _ => 1 };
            BigInteger value = BigInteger.Zero;
            foreach (char digit in text.AsSpan(2))
            {
                value = (value << bits) + Convert.ToInt32(digit.ToString(), 16);
            }

            return value;
        }

        return BigInteger.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);
    }

    private Expression Nested(Func<Expression> parse)
    {
        tokens.Enter();
        Expression value = parse();
        tokens.Leave();
        return value;
    }

    private ConstantExpression ParseString()
    {
        Token first = tokens.Take();
        string text = first.Text;
        while (tokens.Current.Kind == TokenKind.String)
        {
            text += tokens.Take().Text;
        }

        return new ConstantExpression(first.Line, new StringValue(text));
    }

    private ListExpression ParseList()
    {
        int line = tokens.Take().Line;
        List<Expression> items = [];
        while (!tokens.Current.IsOperator("]"))
        {
            if (items.Count > 0)
            {
                tokens.ExpectOperator(",");
            }

            if (tokens.Current.IsOperator("]"))
            {
                break;
            }

            items.Add(ParseConditional());
        }

        tokens.ExpectOperator("]");
        return new ListExpression(line, items, isTuple: false);
    }

    private DictExpression ParseDict()
    {
        int line = tokens.Take().Line;
        List<(Expression, Expression)> entries = [];
        while (!tokens.Current.IsOperator("}"))
        {
            if (entries.Count > 0)
            {
                tokens.ExpectOperator(",");
            }

            if (tokens.Current.IsOperator("}"))
            {
                break;
            }

            Expression key = ParseConditional();
            tokens.ExpectOperator(":");
            entries.Add((key, ParseConditional()));
        }

        tokens.ExpectOperator("}");
        return new DictExpression(line, entries);
    }

    private Expression ParsePostfix(Expression value)
    {
        for (int count = 0; ; count++)
        {
            CheckChain(count);
            if (tokens.Current.IsOperator("."))
            {
                value = ParseMember(value);
            }
            else if (tokens.Current.IsOperator("["))
            {
                Expression target = value;
                value = Nested(() => ParseSubscript(target));
            }
            else if (tokens.Current.IsOperator("("))
            {
                int line = tokens.Line;
                value = new CallExpression(line, value, ParseArguments());
            }
            else
            {
                return value;
            }
        }
    }

    private Expression ParseFiltersAndTests(Expression value)
    {
        for (int count = 0; ; count++)
        {
            CheckChain(count);
            if (tokens.Current.IsOperator("|"))
            {
                value = ParseFilterChain(value, startInline: false)!;
            }
            else if (tokens.Current.IsName("is"))
            {
                value = ParseTest(value);
            }
            else if (tokens.Current.IsOperator("("))
            {
                int line = tokens.Line;
                value = new CallExpression(line, value, ParseArguments());
            }
            else
            {
                return value;
            }
        }
    }

    private Expression ParseMember(Expression target)
    {
        tokens.Take();
        Token name = tokens.Take();
        return name.Kind switch
        {
            TokenKind.Name => new AttributeExpression(name.Line, target, name.Text),
            TokenKind.Integer => new ItemExpression(name.Line, target, new ConstantExpression(name.Line, new IntValue(ParseInteger(name)))),
            _ => throw new SyntaxFault("expected name or number after '.'", name.Line),
        };
    }

    private ItemExpression ParseSubscript(Expression target)
    {
        int line = tokens.Take().Line;
        List<Expression> keys = [];
        while (!tokens.Current.IsOperator("]"))
        {
            if (keys.Count > 0)
            {
                tokens.ExpectOperator(",");
            }

            keys.Add(ParseSubscriptPart());
        }

        tokens.ExpectOperator("]");
        return keys.Count switch
        {
            0 => throw new SyntaxFault("expected a subscript", line),
            1 => new ItemExpression(line, target, keys[0]),
            _ => new ItemExpression(line, target, new ListExpression(line, keys, isTuple: true)),
        };
    }

    private Expression ParseSubscriptPart()
    {
        int line = tokens.Line;
        Expression?[] parts = new Expression?[3];
        int index = 0;
        bool isSlice = false;
        while (true)
        {
            if (tokens.SkipOperator(":"))
            {
                isSlice = true;
                if (++index == 3)
                {
                    throw tokens.Fail("a slice has at most three parts");
                }
            }
            else if (tokens.Current.IsOperator("]") || tokens.Current.IsOperator(","))
            {
                break;
            }
            else if (parts[index] is null)
            {
                parts[index] = ParseConditional();
            }
            else
            {
                throw tokens.Unexpected("expected ']'");
            }
        }

        return isSlice
            ? new SliceExpression(line, parts[0], parts[1], parts[2])
            : parts[0] ?? throw tokens.Unexpected("expected a subscript");
    }

    public ArgumentList ParseArguments()
    {
        tokens.Enter();
        tokens.ExpectOperator("(");
        List<Expression> positional = [];
        List<(string, Expression)> keyword = [];
        Expression? spread = null;
        Expression? keywordSpread = null;
        bool needComma = false;
        while (!tokens.Current.IsOperator(")"))
        {
            if (needComma)
            {
                tokens.ExpectOperator(",");
                if (tokens.Current.IsOperator(")"))
                {
                    break;
                }
            }

            if (tokens.Current.IsOperator("*") && spread is null && keywordSpread is null)
            {
                tokens.Take();
                spread = ParseConditional();
            }
            else if (tokens.Current.IsOperator("**") && keywordSpread is null)
            {
                tokens.Take();
                keywordSpread = ParseConditional();
            }
            else if (tokens.Current.Kind == TokenKind.Name && tokens.Next.IsOperator("=") && keywordSpread is null)
            {
                string name = tokens.Take().Text;
                tokens.Take();
                keyword.Add((name, ParseConditional()));
            }
            else if (spread is null && keywordSpread is null && keyword.Count == 0)
            {
                positional.Add(ParseConditional());
            }
            else
            {
                throw tokens.Fail("invalid syntax for function call expression");
            }

            needComma = true;
        }

        tokens.ExpectOperator(")");
        tokens.Leave();
        return new ArgumentList(positional, keyword, spread, keywordSpread);
    }

    private TestExpression ParseTest(Expression target)
    {
        int line = tokens.Take().Line;
        bool negated = tokens.SkipName("not");
        Token name = tokens.Expect(TokenKind.Name, "the name of a test");
        string fullName = ParseDottedRest(name.Text);
        ArgumentList arguments = ArgumentList.Empty;
        Token next = tokens.Current;
        if (next.IsOperator("("))
        {
            arguments = ParseArguments();
        }
        else if (StartsTestArgument(next))
        {
            if (next.IsName("is"))
            {
                throw tokens.Fail("You cannot chain multiple tests with is");
            }

            arguments = new ArgumentList([ParsePostfix(ParsePrimary())], [], null, null);
        }

        return new TestExpression(line, target, fullName, arguments, negated);
    }

    private static bool StartsTestArgument(Token token) => token.Kind switch
    {
        TokenKind.Name => token.Text is not ("else" or "or" or "and"),
        TokenKind.String or TokenKind.Integer or TokenKind.Float => true,
        TokenKind.Operator => token.Text is "[" or "{",
        _ => false,
    };

    private string ParseDottedRest(string name)
    {
        while (tokens.SkipOperator("."))
        {
            name += "." + tokens.Expect(TokenKind.Name, "a name after '.'").Text;
        }

        return name;
    }

    private void CheckChain(int count)
    {
        if (count > MaxChain)
        {
            throw tokens.Fail($"an expression chains more than {MaxChain} operators");
        }
    }
}
