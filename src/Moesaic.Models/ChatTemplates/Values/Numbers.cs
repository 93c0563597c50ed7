using System.Globalization;
using System.Numerics;
using Value = Moesaic.Models.ChatTemplates.ChatTemplateValue;

namespace Moesaic.Models.ChatTemplates.Values;

/// <summary>Python's numbers: bool counts as int, ints have any size, int and float compare exactly.</summary>
internal static class Numbers
{
    /// <summary>Bits of the largest integer a template may make: beyond it the 4300 digits that Python prints.</summary>
    private const int MaxBits = 16_384;

    public static bool IsNumber(Value value) => value is IntValue or FloatValue or BoolValue;

    public static bool TryInteger(Value value, out BigInteger integer)
    {
        switch (value)
        {
            case IntValue number:
                integer = number.Value;
                return true;
            case BoolValue flag:
                integer = flag.Value ? BigInteger.One : BigInteger.Zero;
                return true;
            default:
                integer = default;
                return false;
        }
    }

    /// <summary>A number as double; an integer beyond the range of doubles is Python's OverflowError.</summary>
    public static double ToDouble(Value value)
    {
        if (value is FloatValue number)
        {
            return number.Value;
        }

        TryInteger(value, out BigInteger integer);
        return ToDouble(integer);
    }

    /// <summary>Nearest double, ties to even.</summary>
    public static double ToDouble(BigInteger integer) => Ratio(integer, BigInteger.One, "int too large to convert to float");

    /// <summary>Order of two numbers: negative, zero or positive; null when one is NaN.</summary>
    public static int? Compare(Value a, Value b)
    {
        bool integerA = TryInteger(a, out BigInteger i);
        bool integerB = TryInteger(b, out BigInteger j);
        if (integerA && integerB)
        {
            return i.CompareTo(j);
        }

        if (integerA)
        {
            return -CompareFloat(((FloatValue)b).Value, i);
        }

        double x = ((FloatValue)a).Value;
        if (integerB)
        {
            return CompareFloat(x, j);
        }

        double y = ((FloatValue)b).Value;
        return double.IsNaN(x) || double.IsNaN(y) ? null : x.CompareTo(y);
    }

    /// <summary>Correctly rounded quotient of two integers, as int / int gives it.</summary>
    public static double Divide(BigInteger a, BigInteger b)
    {
        if (b.IsZero)
        {
            throw TemplateFault.Runtime("ZeroDivisionError", "division by zero");
        }

        return Ratio(a, b, "integer division result too large for a float");
    }

    public static BigInteger FloorDivide(BigInteger a, BigInteger b)
    {
        if (b.IsZero)
        {
            throw TemplateFault.Runtime("ZeroDivisionError", "integer division or modulo by zero");
        }

        BigInteger quotient = BigInteger.DivRem(a, b, out BigInteger remainder);
        return !remainder.IsZero && remainder.Sign != b.Sign ? quotient - 1 : quotient;
    }

    public static BigInteger Modulo(BigInteger a, BigInteger b)
    {
        if (b.IsZero)
        {
            throw TemplateFault.Runtime("ZeroDivisionError", "integer modulo by zero");
        }

        BigInteger remainder = BigInteger.Remainder(a, b);
        return !remainder.IsZero && remainder.Sign != b.Sign ? remainder + b : remainder;
    }

    public static double Modulo(double a, double b)
    {
        if (b == 0)
        {
            throw TemplateFault.Runtime("ZeroDivisionError", "float modulo");
        }

        double remainder = a % b;
        if (remainder == 0)
        {
            return Math.CopySign(0, b);
        }

        return (remainder < 0) != (b < 0) ? remainder + b : remainder;
    }

    public static double FloorDivide(double a, double b)
    {
        if (b == 0)
        {
            throw TemplateFault.Runtime("ZeroDivisionError", "float floor division by zero");
        }

        // From the exact remainder, as Python's divmod does; floor(a / b) alone may be one too high.
        double quotient = (a - Modulo(a, b)) / b;
        if (quotient == 0)
        {
            return Math.CopySign(0, a / b);
        }

        double floor = Math.Floor(quotient);
        return quotient - floor > 0.5 ? floor + 1 : floor;
    }

    public static Value Power(Value a, Value b)
    {
        if (TryInteger(a, out BigInteger x) && TryInteger(b, out BigInteger y) && y.Sign >= 0)
        {
            if (y * Math.Max(1, (long)BigInteger.Abs(x).GetBitLength() - 1) > MaxBits && !x.IsZero && !BigInteger.Abs(x).IsOne)
            {
                throw TemplateFault.Limit($"a power has more than {MaxBits} bits");
            }

            return Integer(BigInteger.Abs(x) <= 1 ? SmallPower(x, y) : BigInteger.Pow(x, (int)y));
        }

        double result = Math.Pow(ToDouble(a), ToDouble(b));
        if (ToDouble(a) == 0 && ToDouble(b) < 0)
        {
            throw TemplateFault.Runtime("ZeroDivisionError", "0.0 cannot be raised to a negative power");
        }

        if (double.IsInfinity(result) && double.IsFinite(ToDouble(a)) && double.IsFinite(ToDouble(b)))
        {
            throw TemplateFault.Runtime("OverflowError", "Numerical result out of range");
        }

        return double.IsNaN(result) && !double.IsNaN(ToDouble(a)) && !double.IsNaN(ToDouble(b))
            ? throw TemplateFault.Unsupported("a complex number")
            : new FloatValue(result);
    }

    /// <summary>An integer value, refused when it has grown beyond what a template may hold.</summary>
    public static IntValue Integer(BigInteger value) => value.GetBitLength() > MaxBits
        ? throw TemplateFault.Limit($"an integer has more than {MaxBits} bits")
        : new IntValue(value);

    /// <summary>Decimal digits, refused beyond Python's bound of 4300.</summary>
    public static string ToText(BigInteger value)
    {
        string text = value.ToString(CultureInfo.InvariantCulture);
        return text.Length - (value.Sign < 0 ? 1 : 0) > IntValue.MaxDigits
            ? throw TemplateFault.Value($"Exceeds the limit ({IntValue.MaxDigits} digits) for integer string conversion")
            : text;
    }

    /// <summary>int(float): towards zero; infinities and NaN are errors.</summary>
    public static BigInteger Truncate(double value)
    {
        if (double.IsNaN(value))
        {
            throw TemplateFault.Value("cannot convert float NaN to integer");
        }

        return double.IsInfinity(value)
            ? throw TemplateFault.Runtime("OverflowError", "cannot convert float infinity to integer")
            : new BigInteger(value);
    }

    private static BigInteger SmallPower(BigInteger x, BigInteger y) =>
        y.IsZero ? BigInteger.One : x.IsZero ? BigInteger.Zero : x.Sign < 0 && !y.IsEven ? BigInteger.MinusOne : BigInteger.One;

    private static int? CompareFloat(double x, BigInteger i)
    {
        if (double.IsNaN(x))
        {
            return null;
        }

        if (double.IsInfinity(x))
        {
            return x > 0 ? 1 : -1;
        }

        double floor = Math.Floor(x);
        int order = new BigInteger(floor).CompareTo(i);
        return order != 0 ? order : x > floor ? 1 : 0;
    }

    private static double Ratio(BigInteger a, BigInteger b, string overflow)
    {
        BigInteger exact = BigInteger.One << 53;
        if (BigInteger.Abs(a) <= exact && BigInteger.Abs(b) <= exact)
        {
            return (double)a / (double)b;
        }

        // 66 quotient bits and a sticky bit for the remainder: rounding them to 53 is rounding the exact quotient.
        bool negative = (a.Sign < 0) != (b.Sign < 0);
        a = BigInteger.Abs(a);
        b = BigInteger.Abs(b);
        int shift = 66 - ((int)a.GetBitLength() - (int)b.GetBitLength());
        BigInteger quotient = shift >= 0
            ? BigInteger.DivRem(a << shift, b, out BigInteger remainder)
            : BigInteger.DivRem(a, b << -shift, out remainder);
        if (!remainder.IsZero)
        {
            quotient |= BigInteger.One;
        }

        int drop = (int)quotient.GetBitLength() - 54;
        bool sticky = !(quotient & ((BigInteger.One << drop) - 1)).IsZero;
        long bits = (long)(quotient >> drop);
        long mantissa = bits >> 1;
        if ((bits & 1) != 0 && (sticky || (mantissa & 1) != 0))
        {
            mantissa++;
        }

        double result = Math.ScaleB((double)mantissa, drop + 1 - shift);
        return double.IsInfinity(result)
            ? throw TemplateFault.Runtime("OverflowError", overflow)
            : negative ? -result : result;
    }
}
