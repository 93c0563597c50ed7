using System.Globalization;
using System.Text;

namespace Moesaic.Models.ChatTemplates.Runtime;

/// <summary>datetime.strftime in the C locale, of a time without a zone.</summary>
internal static class Strftime
{
    private static readonly string[] Days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

    private static readonly string[] Months =
    [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
    ];

    public static string Format(DateTime time, string format)
    {
        StringBuilder text = new();
        for (int i = 0; i < format.Length; i++)
        {
            if (format[i] != '%' || i + 1 == format.Length)
            {
                text.Append(format[i]);
                continue;
            }

            int start = i++;
            char flag = '\0';
            while (i < format.Length - 1 && (format[i] is '-' or '_' or '0' or '^' or '#' or 'E' or 'O'))
            {
                flag = format[i++];
            }

            string? field = Field(time, format[i], flag);
            text.Append(field is null ? format.AsSpan(start, i - start + 1) : flag == '^' ? field.ToUpperInvariant() : field);
        }

        return text.ToString();
    }

    /// <summary>One directive; null for a letter that is none, which stays as written.</summary>
    private static string? Field(DateTime time, char letter, char flag) => letter switch
    {
        'a' => Days[(int)time.DayOfWeek][..3],
        'A' => Days[(int)time.DayOfWeek],
        'b' or 'h' => Months[time.Month - 1][..3],
        'B' => Months[time.Month - 1],
        'c' => Format(time, "%a %b %e %H:%M:%S %Y"),
        'C' => Number(time.Year / 100, 2, flag),
        'd' => Number(time.Day, 2, flag),
        'D' or 'x' => Format(time, "%m/%d/%y"),
        'e' => Number(time.Day, 2, flag == '\0' ? '_' : flag),
        'f' => (time.Ticks % TimeSpan.TicksPerSecond / 10).ToString("000000", CultureInfo.InvariantCulture),
        'F' => Format(time, "%Y-%m-%d"),
        'g' => Number(ISOWeek.GetYear(time) % 100, 2, flag),
        'G' => Number(ISOWeek.GetYear(time), 4, flag),
        'H' => Number(time.Hour, 2, flag),
        'I' => Number(((time.Hour + 11) % 12) + 1, 2, flag),
        'j' => Number(time.DayOfYear, 3, flag),
        'k' => Number(time.Hour, 2, flag == '\0' ? '_' : flag),
        'l' => Number(((time.Hour + 11) % 12) + 1, 2, flag == '\0' ? '_' : flag),
        'm' => Number(time.Month, 2, flag),
        'M' => Number(time.Minute, 2, flag),
        'n' => "\n",
        'p' => flag == '#' ? (time.Hour < 12 ? "am" : "pm") : time.Hour < 12 ? "AM" : "PM",
        'P' => time.Hour < 12 ? "am" : "pm",
        'r' => Format(time, "%I:%M:%S %p"),
        'R' => Format(time, "%H:%M"),
        's' => ((DateTimeOffset)DateTime.SpecifyKind(time, DateTimeKind.Utc)).ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture),
        'S' => Number(time.Second, 2, flag),
        't' => "\t",
        'T' or 'X' => Format(time, "%H:%M:%S"),
        'u' => Number(time.DayOfWeek == DayOfWeek.Sunday ? 7 : (int)time.DayOfWeek, 1, flag),
        'U' => Number((time.DayOfYear + 6 - (int)time.DayOfWeek) / 7, 2, flag),
        'V' => Number(ISOWeek.GetWeekOfYear(time), 2, flag),
        'w' => Number((int)time.DayOfWeek, 1, flag),
        'W' => Number((time.DayOfYear + 6 - (((int)time.DayOfWeek + 6) % 7)) / 7, 2, flag),
        'y' => Number(time.Year % 100, 2, flag),
        'Y' => Number(time.Year, flag == '\0' ? 1 : 4, flag),
        'z' or 'Z' => "",
        '%' => "%",
        _ => null,
    };

    private static string Number(int value, int width, char flag)
    {
        string digits = value.ToString(CultureInfo.InvariantCulture);
        return flag switch
        {
            '-' => digits,
            '_' => digits.PadLeft(width),
            _ => digits.PadLeft(width, '0'),
        };
    }
}
