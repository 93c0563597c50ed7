using Moesaic.Models.ChatTemplates.Values;

namespace Moesaic.Models.ChatTemplates.Syntax;

/// <content>What follows a value: members, subscripts, calls, filters and tests.</content>
internal sealed partial class ExpressionParser
{
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
}
