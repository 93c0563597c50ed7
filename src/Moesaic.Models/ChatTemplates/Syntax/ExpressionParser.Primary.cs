using System.Globalization;
using System.Numerics;
using Moesaic.Models.ChatTemplates.Values;
using Value = Moesaic.Models.ChatTemplates.ChatTemplateValue;

namespace Moesaic.Models.ChatTemplates.Syntax;

/// <content>Literals, names, lists and dictionaries.</content>
internal sealed partial class ExpressionParser
{
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

    private static bool IsReserved(string name) => name is "true" or "True" or "false" or "False" or "none" or "None";
}
