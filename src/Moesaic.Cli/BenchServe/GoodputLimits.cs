using System.Globalization;

namespace Moesaic.Cli.BenchServe;

/// <summary>Limits that a request must keep to count as good; in seconds, null for no limit.</summary>
internal sealed record GoodputLimits(double? TimeToFirstToken, double? TimePerOutputToken, double? Latency)
{
    /// <param name="values">Such as ttft:200, in milliseconds.</param>
    /// <returns>Null when there are none.</returns>
    /// <exception cref="UsageException">One is something else, or given twice.</exception>
    public static GoodputLimits? Parse(IEnumerable<string> values)
    {
        Dictionary<string, double> limits = [];
        foreach (string value in values)
        {
            string[] parts = value.Split(':');
            if (parts is not [var name, var number]
                || name.ToLowerInvariant() is not ("ttft" or "tpot" or "e2el")
                || !double.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out double milliseconds)
                || !(milliseconds > 0))
            {
                throw new UsageException($"--goodput holds '{value}'; expected ttft:MS, tpot:MS or e2el:MS with more than 0 milliseconds");
            }

            if (!limits.TryAdd(name.ToLowerInvariant(), milliseconds / 1000))
            {
                throw new UsageException($"--goodput names {name} twice");
            }
        }

        return limits.Count == 0 ? null : new GoodputLimits(Limit("ttft"), Limit("tpot"), Limit("e2el"));

        double? Limit(string name) => limits.TryGetValue(name, out double limit) ? limit : null;
    }

    /// <summary>Whether a request succeeded within the limits. A single token has no time per output token and keeps any.</summary>
    public bool Keeps(RequestRecord record) =>
        record.IsSuccess
        && !(record.TimeToFirstToken > TimeToFirstToken)
        && !(record.TimePerOutputToken > TimePerOutputToken)
        && !(record.Latency > Latency);
}
