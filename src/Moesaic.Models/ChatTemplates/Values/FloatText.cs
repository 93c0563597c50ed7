using System.Globalization;
using System.Numerics;
using System.Text;

namespace Moesaic.Models.ChatTemplates.Values;

/// <summary>Floats as Python prints and rounds them: shortest round-trip digits, exact ties to even.</summary>
internal static class FloatText
{
    /// <summary>repr(float).</summary>
    public static string Repr(double value)
    {
        if (!double.IsFinite(value))
        {
            return double.IsNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
        }

        // "E16" is not shortest; "R" is, in whichever of two layouts. Take its digits and lay them out anew.
        string shortest = value.ToString("R", CultureInfo.InvariantCulture);
        bool negative = shortest[0] == '-';
        (string digits, int exponent) = Split(negative ? shortest[1..] : shortest);
        StringBuilder text = new();
        if (negative)
        {
            text.Append('-');
        }

        if (exponent is < -4 or >= 16)
        {
            text.Append(digits[0]);
            if (digits.Length > 1)
            {
                text.Append('.').Append(digits, 1, digits.Length - 1);
            }

            AppendExponent(text, exponent, 'e');
        }
        else if (exponent < 0)
        {
            text.Append("0.").Append('0', -exponent - 1).Append(digits);
        }
        else if (digits.Length <= exponent + 1)
        {
            text.Append(digits).Append('0', exponent + 1 - digits.Length).Append(".0");
        }
        else
        {
            text.Append(digits, 0, exponent + 1).Append('.').Append(digits, exponent + 1, digits.Length - exponent - 1);
        }

        return text.ToString();
    }

    /// <summary>Fixed notation with so many digits after the point, of the exact binary value; sign only when negative.</summary>
    public static string Fixed(double value, int decimals)
    {
        (BigInteger numerator, BigInteger denominator) = Exact(Math.Abs(value));
        BigInteger scaled = RoundHalfEven(numerator * BigInteger.Pow(10, decimals), denominator);
        string digits = scaled.ToString(CultureInfo.InvariantCulture).PadLeft(decimals + 1, '0');
        string text = decimals == 0 ? digits : digits[..^decimals] + "." + digits[^decimals..];
        return double.IsNegative(value) ? "-" + text : text;
    }

    /// <summary>Scientific notation with so many digits after the point.</summary>
    public static string Scientific(double value, int decimals, char letter)
    {
        (string digits, int exponent) = Significant(value, decimals + 1);
        StringBuilder text = new();
        if (double.IsNegative(value))
        {
            text.Append('-');
        }

        text.Append(digits[0]);
        if (decimals > 0)
        {
            text.Append('.').Append(digits, 1, decimals);
        }

        AppendExponent(text, exponent, letter);
        return text.ToString();
    }

    /// <summary>General notation with so many significant digits: %g; trailing zeros stay in the alternate form.</summary>
    public static string General(double value, int precision, char letter, bool keepZeros)
    {
        precision = Math.Max(precision, 1);
        (_, int exponent) = Significant(value, precision);
        string text = exponent < -4 || exponent >= precision
            ? Scientific(value, precision - 1, letter)
            : Fixed(value, precision - 1 - exponent);
        if (keepZeros)
        {
            return text;
        }

        int mark = text.IndexOf(letter, StringComparison.Ordinal);
        string head = mark < 0 ? text : text[..mark];
        return head.Contains('.', StringComparison.Ordinal)
            ? head.TrimEnd('0').TrimEnd('.') + (mark < 0 ? "" : text[mark..])
            : text;
    }

    /// <summary>round(value, decimals): nearest, ties of the exact binary value to even.</summary>
    public static double Round(double value, int decimals)
    {
        if (!double.IsFinite(value) || value == 0 || decimals > 330)
        {
            return value;
        }

        if (decimals < -310)
        {
            return Math.CopySign(0, value);
        }

        (BigInteger numerator, BigInteger denominator) = Exact(Math.Abs(value));
        BigInteger power = BigInteger.Pow(10, Math.Abs(decimals));
        BigInteger rounded = decimals >= 0
            ? RoundHalfEven(numerator * power, denominator)
            : RoundHalfEven(numerator, denominator * power);
        string text = rounded.ToString(CultureInfo.InvariantCulture) + "E" + (-decimals).ToString(CultureInfo.InvariantCulture);
        double result = double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture);
        return double.IsInfinity(result)
            ? throw TemplateFault.Runtime("OverflowError", "rounded value too large to represent")
            : Math.CopySign(result, value);
    }

    /// <summary>Nearest integer of a fraction, ties to even.</summary>
    public static BigInteger RoundHalfEven(BigInteger numerator, BigInteger denominator)
    {
        BigInteger quotient = Numbers.FloorDivide(numerator, denominator);
        BigInteger twice = (numerator - (quotient * denominator)) * 2;
        int order = twice.CompareTo(denominator);
        return order > 0 || (order == 0 && !quotient.IsEven) ? quotient + 1 : quotient;
    }

    private static (string Digits, int Exponent) Significant(double value, int count)
    {
        if (value == 0)
        {
            return (new string('0', count), 0);
        }

        (BigInteger numerator, BigInteger denominator) = Exact(Math.Abs(value));
        int exponent = (int)Math.Floor(Math.Log10(Math.Abs(value)));
        while (true)
        {
            int shift = count - 1 - exponent;
            BigInteger rounded = shift >= 0
                ? RoundHalfEven(numerator * BigInteger.Pow(10, shift), denominator)
                : RoundHalfEven(numerator, denominator * BigInteger.Pow(10, -shift));
            string digits = rounded.ToString(CultureInfo.InvariantCulture);
            if (digits.Length == count)
            {
                return (digits, exponent);
            }

            // Log10 was off by one, or rounding carried into a further digit.
            exponent += digits.Length > count ? 1 : -1;
        }
    }

    private static (BigInteger Numerator, BigInteger Denominator) Exact(double value)
    {
        long bits = BitConverter.DoubleToInt64Bits(value);
        int exponent = (int)((bits >> 52) & 0x7FF);
        long mantissa = bits & 0xF_FFFF_FFFF_FFFF;
        if (exponent == 0)
        {
            exponent = 1;
        }
        else
        {
            mantissa |= 1L << 52;
        }

        int shift = exponent - 1075;
        return shift >= 0
            ? (new BigInteger(mantissa) << shift, BigInteger.One)
            : (new BigInteger(mantissa), BigInteger.One << -shift);
    }

    /// <summary>Digits without leading or trailing zeros, and the decimal exponent of the first one.</summary>
    private static (string Digits, int Exponent) Split(string text)
    {
        int exponent = 0;
        int mark = text.IndexOf('E', StringComparison.Ordinal);
        if (mark >= 0)
        {
            exponent = int.Parse(text.AsSpan(mark + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
            text = text[..mark];
        }

        int point = text.IndexOf('.', StringComparison.Ordinal);
        string digits = text.Replace(".", "", StringComparison.Ordinal);
        exponent += (point < 0 ? text.Length : point) - 1;
        string trimmed = digits.TrimStart('0');
        exponent -= digits.Length - trimmed.Length;
        trimmed = trimmed.TrimEnd('0');
        return trimmed.Length == 0 ? ("0", 0) : (trimmed, exponent);
    }

    private static void AppendExponent(StringBuilder text, int exponent, char letter) =>
        text.Append(letter).Append(exponent < 0 ? '-' : '+').Append(Math.Abs(exponent).ToString("00", CultureInfo.InvariantCulture));
}
