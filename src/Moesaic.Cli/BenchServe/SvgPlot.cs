using System.Globalization;
using System.Net;
using System.Text;

namespace Moesaic.Cli.BenchServe;

/// <summary>One plot as SVG that refers to nothing outside itself; colours come from the page's classes.</summary>
/// <param name="title">Heading.</param>
/// <param name="xLabel">What the horizontal axis shows, with its unit.</param>
/// <param name="yLabel">What the vertical axis shows, with its unit.</param>
/// <param name="largestX">Largest value on the horizontal axis.</param>
/// <param name="largestY">Largest value on the vertical axis.</param>
internal sealed class SvgPlot(string title, string xLabel, string yLabel, double largestX, double largestY)
{
    private const double Width = 560;
    private const double Height = 300;
    private const double Left = 64;
    private const double Right = 48;
    private const double Top = 34;
    private const double Bottom = 46;

    private readonly AxisScale _x = new(largestX);
    private readonly AxisScale _y = new(largestY);
    private readonly StringBuilder _marks = new();
    private bool _hasShare;

    /// <summary>A bar from the axis up.</summary>
    public void AddBar(double from, double to, double height) => Append(
        $"""<rect class="bar" x="{X(from):F1}" y="{Y(height):F1}" width="{Math.Max(0.5, X(to) - X(from) - 0.5):F1}" height="{Y(0) - Y(height):F1}"/>""");

    public void AddDot(double x, double y) => Append($"""<circle class="dot" cx="{X(x):F1}" cy="{Y(y):F1}" r="2"/>""");

    public void AddLine(IEnumerable<(double X, double Y)> points) => AddPath(points.Select(p => (X(p.X), Y(p.Y))), "line");

    /// <summary>A line of shares from 0 to 1, with an axis of its own on the right.</summary>
    public void AddShareLine(IEnumerable<(double X, double Share)> points)
    {
        _hasShare = true;
        AddPath(points.Select(p => (X(p.X), Share(p.Share))), "share");
    }

    /// <summary>A line across, at a value of the horizontal axis.</summary>
    public void AddMark(double x, string label) => Append(
        $"""<line class="mark" x1="{X(x):F1}" x2="{X(x):F1}" y1="{Top:F1}" y2="{Height - Bottom:F1}"><title>{Escape(label)}</title></line>""");

    public string Write()
    {
        StringBuilder svg = new();
        Append(svg, $"""<svg viewBox="0 0 {Width:F0} {Height:F0}" role="img" aria-label="{Escape(title)}">""");
        Append(svg, $"""<text class="title" x="{Left:F0}" y="18">{Escape(title)}</text>""");
        foreach (double tick in _y.Ticks)
        {
            Append(svg, $"""<line class="grid" x1="{Left:F0}" x2="{Width - Right:F0}" y1="{Y(tick):F1}" y2="{Y(tick):F1}"/>""");
            Append(svg, $"""<text class="tick" text-anchor="end" x="{Left - 6:F0}" y="{Y(tick) + 4:F1}">{AxisScale.Label(tick)}</text>""");
        }

        foreach (double tick in _x.Ticks)
        {
            Append(svg, $"""<text class="tick" text-anchor="middle" x="{X(tick):F1}" y="{Height - Bottom + 16:F0}">{AxisScale.Label(tick)}</text>""");
        }

        if (_hasShare)
        {
            foreach (double share in new[] { 0, 0.25, 0.5, 0.75, 1 })
            {
                Append(svg, $"""<text class="tick share-tick" x="{Width - Right + 6:F0}" y="{Share(share) + 4:F1}">{share * 100:F0}%</text>""");
            }
        }

        svg.Append(_marks);
        double middle = (Top + Height - Bottom) / 2;
        Append(svg, $"""<text class="label" text-anchor="middle" x="{(Left + Width - Right) / 2:F0}" y="{Height - 8:F0}">{Escape(xLabel)}</text>""");
        Append(svg, $"""<text class="label" text-anchor="middle" transform="rotate(-90 14 {middle:F0})" x="14" y="{middle:F0}">{Escape(yLabel)}</text></svg>""");
        return svg.ToString();
    }

    private double X(double value) => Left + (value / _x.Top * (Width - Left - Right));

    private double Y(double value) => Height - Bottom - (value / _y.Top * (Height - Top - Bottom));

    private static double Share(double share) => Height - Bottom - (share * (Height - Top - Bottom));

    private void AddPath(IEnumerable<(double X, double Y)> points, string kind)
    {
        StringBuilder path = new();
        foreach ((double x, double y) in points)
        {
            path.Append(CultureInfo.InvariantCulture, $"{(path.Length == 0 ? 'M' : 'L')}{x:F1} {y:F1}");
        }

        Append($"""<path class="{kind}" d="{path}"/>""");
    }

    private void Append(FormattableString text) => Append(_marks, text);

    private static void Append(StringBuilder svg, FormattableString text) => svg.Append(text.ToString(CultureInfo.InvariantCulture)).Append('\n');

    private static string Escape(string text) => WebUtility.HtmlEncode(text);
}
