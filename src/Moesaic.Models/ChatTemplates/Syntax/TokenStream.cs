using System.Runtime.CompilerServices;

namespace Moesaic.Models.ChatTemplates.Syntax;

/// <summary>The tokens of a template with a place in them, and the bound on nesting while it is parsed.</summary>
internal sealed class TokenStream(List<Token> tokens)
{
    // Deep enough for any template written by people; shallow enough that parsing and rendering never meet the stack's end.
    private const int MaxNesting = 100;

    private int _index;
    private int _nesting;

    public Token Current => tokens[_index];

    public Token Next => tokens[Math.Min(_index + 1, tokens.Count - 1)];

    public int Line => Current.Line;

    public Token Take()
    {
        Token token = tokens[_index];
        if (token.Kind != TokenKind.End)
        {
            _index++;
        }

        return token;
    }

    public bool SkipOperator(string symbol)
    {
        bool found = Current.IsOperator(symbol);
        if (found)
        {
            _index++;
        }

        return found;
    }

    public bool SkipName(string name)
    {
        bool found = Current.IsName(name);
        if (found)
        {
            _index++;
        }

        return found;
    }

    public Token Expect(TokenKind kind, string what) =>
        Current.Kind == kind ? Take() : throw Unexpected($"expected {what}");

    public void ExpectOperator(string symbol)
    {
        if (!SkipOperator(symbol))
        {
            throw Unexpected($"expected token '{symbol}'");
        }
    }

    public void ExpectName(string name)
    {
        if (!SkipName(name))
        {
            throw Unexpected($"expected token '{name}'");
        }
    }

    public SyntaxFault Unexpected(string expectation) => Fail($"{expectation}, got {Current.Describe()}");

    public SyntaxFault Fail(string message) => new(message, Line);

    public void Enter()
    {
        if (++_nesting > MaxNesting || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            throw Fail($"the template nests deeper than {MaxNesting} levels");
        }
    }

    public void Leave() => _nesting--;
}
