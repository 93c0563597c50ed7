namespace Moesaic.Models.ChatTemplates.Syntax;

/// <summary>Statements of a template.</summary>
internal sealed class TemplateParser
{
    private readonly TokenStream _tokens;
    private readonly ExpressionParser _expressions;
    private int _loops;

    private TemplateParser(List<Token> tokens)
    {
        _tokens = new TokenStream(tokens);
        _expressions = new ExpressionParser(_tokens);
    }

    public static IReadOnlyList<Statement> Parse(string source)
    {
        TemplateParser parser = new(TemplateLexer.Read(source));
        return parser.ParseUntil([]);
    }

    /// <summary>Statements up to a tag with one of the names, which is left as the current token; the whole template for none.</summary>
    private List<Statement> ParseUntil(string[] endNames)
    {
        List<Statement> body = [];
        while (true)
        {
            Token token = _tokens.Take();
            switch (token.Kind)
            {
                case TokenKind.Data:
                    body.Add(new DataStatement(token.Line, token.Text));
                    break;
                case TokenKind.VariableBegin:
                    body.Add(new PrintStatement(token.Line, _expressions.ParseTuple()));
                    _tokens.Expect(TokenKind.VariableEnd, "end of print statement");
                    break;
                case TokenKind.BlockBegin:
                    if (_tokens.Current.Kind == TokenKind.Name && endNames.Contains(_tokens.Current.Text))
                    {
                        return body;
                    }

                    ParseStatement(body, endNames);
                    _tokens.Expect(TokenKind.BlockEnd, "end of statement block");
                    break;
                default:
                    return endNames.Length == 0
                        ? body
                        : throw _tokens.Fail($"Unexpected end of template. Jinja was looking for the following tags: {string.Join(" or ", endNames)}");
            }
        }
    }

    private void ParseStatement(List<Statement> body, string[] endNames)
    {
        Token tag = _tokens.Expect(TokenKind.Name, "the name of a tag");
        _tokens.Enter();
        switch (tag.Text)
        {
            case "for":
                body.Add(ParseFor(tag.Line));
                break;
            case "if":
                body.Add(ParseIf(tag.Line));
                break;
            case "set":
                body.Add(ParseSet(tag.Line));
                break;
            case "macro":
                body.Add(ParseMacro(tag.Line));
                break;
            case "call":
                body.Add(ParseCallBlock(tag.Line));
                break;
            case "filter":
                FilterExpression filter = _expressions.ParseFilterChain(null, startInline: true)!;
                body.Add(new FilterBlockStatement(tag.Line, filter, ParseBody("endfilter")));
                break;
            case "with":
                body.Add(ParseWith(tag.Line));
                break;
            case "generation":
                body.Add(new ScopedStatement(tag.Line, ParseDetached(() => ParseBody("endgeneration")), seesLocals: true));
                break;
            case "block":
                body.Add(ParseBlock(tag.Line));
                break;
            case "print":
                ParsePrint(body);
                break;
            case "break" or "continue":
                if (_loops == 0)
                {
                    throw new SyntaxFault($"'{tag.Text}' outside of a loop", tag.Line);
                }

                body.Add(tag.Text == "break" ? new BreakStatement(tag.Line) : new ContinueStatement(tag.Line));
                break;
            case "include" or "import" or "from" or "extends":
                throw new SyntaxFault($"the tag '{tag.Text}' is not supported: a chat template stands alone", tag.Line);
            case "autoescape" or "do" or "trans" or "debug":
                throw new SyntaxFault($"the tag '{tag.Text}' is not supported in chat templates", tag.Line);
            default:
                throw new SyntaxFault(
                    $"Encountered unknown tag '{tag.Text}'."
                    + (endNames.Length == 0 ? "" : $" Jinja was looking for the following tags: {string.Join(" or ", endNames)}"),
                    tag.Line);
        }

        _tokens.Leave();
    }

    /// <summary>The body of a tag up to its end tag, which is taken.</summary>
    private List<Statement> ParseBody(string endName)
    {
        List<Statement> body = ParseBodyUntil(endName);
        _tokens.Take();
        return body;
    }

    private List<Statement> ParseBodyUntil(params string[] endNames)
    {
        _tokens.SkipOperator(":");
        _tokens.Expect(TokenKind.BlockEnd, "end of statement block");
        return ParseUntil(endNames);
    }

    /// <summary>A body that is called, not run in place: break and continue do not reach out of it.</summary>
    private T ParseDetached<T>(Func<T> parse)
    {
        int loops = _loops;
        _loops = 0;
        T parsed = parse();
        _loops = loops;
        return parsed;
    }

    private ForStatement ParseFor(int line)
    {
        AssignTarget target = ParseTargets("in", withNamespace: false);
        if (target is NameTarget { Name: "loop" })
        {
            throw new SyntaxFault("Can't assign to special loop variable in for-loop target", line);
        }

        _tokens.ExpectName("in");
        Expression items = _expressions.ParseTuple(allowConditional: false, endName: "recursive");
        Expression? filter = _tokens.SkipName("if") ? _expressions.ParseExpression() : null;
        bool isRecursive = _tokens.SkipName("recursive");
        int loops = _loops;
        _loops = loops + 1;
        List<Statement> body = ParseBodyUntil("endfor", "else");
        _loops = loops;
        List<Statement> otherwise = [];
        if (_tokens.Take().Text == "else")
        {
            otherwise = ParseBody("endfor");
        }

        return new ForStatement(line)
        {
            Target = target,
            Items = items,
            Filter = filter,
            IsRecursive = isRecursive,
            Body = body,
            Else = otherwise,
        };
    }

    private IfStatement ParseIf(int line)
    {
        List<(Expression?, IReadOnlyList<Statement>)> branches = [];
        while (true)
        {
            Expression test = _expressions.ParseTuple(allowConditional: false);
            branches.Add((test, ParseBodyUntil("elif", "else", "endif")));
            string end = _tokens.Take().Text;
            if (end == "elif")
            {
                continue;
            }

            if (end == "else")
            {
                branches.Add((null, ParseBody("endif")));
            }

            return new IfStatement(line, branches);
        }
    }

    private Statement ParseSet(int line)
    {
        AssignTarget target = ParseTargets(null, withNamespace: true);
        if (_tokens.SkipOperator("="))
        {
            return new SetStatement(line, target, _expressions.ParseTuple());
        }

        FilterExpression? filter = _expressions.ParseFilterChain(null, startInline: false);
        return new SetBlockStatement(line, target, filter, ParseBody("endset"));
    }

    private MacroStatement ParseMacro(int line)
    {
        string name = _tokens.Expect(TokenKind.Name, "the name of a macro").Text;
        return new MacroStatement(line, ParseDefinition(name, ParseSignature(), "endmacro"));
    }

    private CallBlockStatement ParseCallBlock(int line)
    {
        List<(string, Expression?)> parameters = _tokens.Current.IsOperator("(") ? ParseSignature() : [];
        if (_expressions.ParseExpression() is not CallExpression call)
        {
            throw new SyntaxFault("expected call", line);
        }

        return new CallBlockStatement(line, call, ParseDefinition("caller", parameters, "endcall"));
    }

    private MacroDefinition ParseDefinition(string name, List<(string, Expression?)> parameters, string endName)
    {
        HashSet<string> outer = _expressions.ExchangeSpecialNames([]);
        List<Statement> body = ParseDetached(() => ParseBody(endName));
        HashSet<string> used = _expressions.ExchangeSpecialNames(outer);
        outer.UnionWith(used);
        return new MacroDefinition
        {
            Name = name,
            Parameters = parameters,
            Body = body,
            UsesVarargs = used.Contains("varargs"),
            UsesKwargs = used.Contains("kwargs"),
            UsesCaller = used.Contains("caller"),
        };
    }

    private List<(string Name, Expression? Default)> ParseSignature()
    {
        List<(string Name, Expression? Default)> parameters = [];
        _tokens.ExpectOperator("(");
        while (!_tokens.Current.IsOperator(")"))
        {
            if (parameters.Count > 0)
            {
                _tokens.ExpectOperator(",");
            }

            Token name = _tokens.Expect(TokenKind.Name, "the name of a parameter");
            CheckAssignable(name);
            if (parameters.Exists(p => p.Name == name.Text))
            {
                throw new SyntaxFault($"duplicate argument '{name.Text}' in function definition", name.Line);
            }

            Expression? value = _tokens.SkipOperator("=") ? _expressions.ParseExpression() : null;
            if (value is null && parameters.Exists(p => p.Default is not null))
            {
                throw _tokens.Fail("non-default argument follows default argument");
            }

            parameters.Add((name.Text, value));
        }

        _tokens.ExpectOperator(")");
        return parameters;
    }

    private WithStatement ParseWith(int line)
    {
        List<(AssignTarget, Expression)> assignments = [];
        while (_tokens.Current.Kind != TokenKind.BlockEnd && !_tokens.Current.IsOperator(":"))
        {
            if (assignments.Count > 0)
            {
                _tokens.ExpectOperator(",");
            }

            AssignTarget target = ParseTargets(null, withNamespace: false);
            _tokens.ExpectOperator("=");
            assignments.Add((target, _expressions.ParseExpression()));
        }

        return new WithStatement(line, assignments, ParseBody("endwith"));
    }

    private ScopedStatement ParseBlock(int line)
    {
        string name = _tokens.Expect(TokenKind.Name, "the name of a block").Text;
        bool scoped = _tokens.SkipName("scoped");
        if (_tokens.Current.IsName("required"))
        {
            throw _tokens.Fail($"block '{name}' is required, but a chat template has no other to give it");
        }

        List<Statement> body = ParseDetached(() => ParseBody("endblock"));
        _tokens.SkipName(name);
        return new ScopedStatement(line, body, scoped);
    }

    private void ParsePrint(List<Statement> body)
    {
        bool first = true;
        while (_tokens.Current.Kind != TokenKind.BlockEnd)
        {
            if (!first)
            {
                _tokens.ExpectOperator(",");
            }

            first = false;
            int line = _tokens.Line;
            body.Add(new PrintStatement(line, _expressions.ParseExpression()));
        }
    }

    /// <summary>One target, or several with commas between them.</summary>
    private AssignTarget ParseTargets(string? endName, bool withNamespace)
    {
        List<AssignTarget> items = [];
        bool isTuple = false;
        while (true)
        {
            if (items.Count > 0)
            {
                if (!_tokens.SkipOperator(","))
                {
                    break;
                }

                isTuple = true;
                if (IsTargetEnd(endName))
                {
                    break;
                }
            }

            items.Add(ParseTarget(withNamespace));
        }

        return isTuple ? new TupleTarget(items) : items[0];
    }

    private bool IsTargetEnd(string? endName) =>
        _tokens.Current.IsOperator("=") || _tokens.Current.IsOperator(")")
        || _tokens.Current.Kind == TokenKind.BlockEnd || (endName is not null && _tokens.Current.IsName(endName));

    private AssignTarget ParseTarget(bool withNamespace)
    {
        if (_tokens.SkipOperator("("))
        {
            _tokens.Enter();
            AssignTarget inner = ParseTargets(null, withNamespace);
            _tokens.Leave();
            _tokens.ExpectOperator(")");
            return inner;
        }

        Token name = _tokens.Expect(TokenKind.Name, "a name to assign to");
        if (withNamespace && _tokens.SkipOperator("."))
        {
            return new NamespaceTarget(name.Text, _tokens.Expect(TokenKind.Name, "the name of an attribute").Text);
        }

        CheckAssignable(name);
        return new NameTarget(name.Text);
    }

    private static void CheckAssignable(Token name)
    {
        if (name.Text is "true" or "True" or "false" or "False" or "none" or "None")
        {
            throw new SyntaxFault($"can't assign to '{name.Text}'", name.Line);
        }
    }
}
