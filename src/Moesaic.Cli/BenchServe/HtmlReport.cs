using System.Net;
using System.Text;

namespace Moesaic.Cli.BenchServe;

/// <summary>The result as one HTML file without scripts and without anything from elsewhere.</summary>
internal static class HtmlReport
{
    private const string Style = """
        :root { color-scheme: light dark; --ink: #1b1f24; --faint: #d5d9de; --paper: #fff; --a: #2f6fb7; --b: #c2571a; --c: #6b7480; }
        @media (prefers-color-scheme: dark) { :root { --ink: #e6e9ec; --faint: #3a4047; --paper: #15181c; --a: #6ba7e8; --b: #f0955a; --c: #9aa3ad; } }
        body { font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 2rem auto; max-width: 1180px; padding: 0 1rem; }
        h1 { font-size: 1.4rem; } pre { overflow-x: auto; } .plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(420px, 1fr)); gap: 1rem; }
        figure { margin: 0; } svg { width: 100%; height: auto; font: 11px system-ui, sans-serif; }
        svg text { fill: var(--ink); } .title { font-size: 14px; font-weight: 600; } .tick { fill: var(--c); } .share-tick { fill: var(--b); }
        .grid { stroke: var(--faint); stroke-width: 1; } .bar { fill: var(--a); opacity: .75; } .dot { fill: var(--a); opacity: .6; }
        .line { fill: none; stroke: var(--a); stroke-width: 1.8; } .share { fill: none; stroke: var(--b); stroke-width: 1.8; }
        .mark { stroke: var(--c); stroke-width: 1.2; stroke-dasharray: 4 3; }
        table { border-collapse: collapse; } td, th { text-align: left; padding: .15rem .8rem .15rem 0; }
        """;

    public static string Write(ServeReport report, BenchServePlan plan, string model)
    {
        using StringWriter table = new();
        ServeTable.Write(table, report, plan);
        StringBuilder page = new();
        page.Append("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\n")
            .Append("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n")
            .Append("<title>Serving benchmark of ").Append(Escape(model)).Append("</title>\n<style>\n").Append(Style).Append("\n</style></head><body>\n")
            .Append("<h1>Serving benchmark of ").Append(Escape(model)).Append("</h1>\n<p>")
            .Append(Escape($"{plan.BaseUrl}{plan.Endpoint}, {report.Records.Count} requests")).Append("</p>\n<pre>").Append(Escape(table.ToString())).Append("</pre>\n");
        if (report.Errors.Count > 0)
        {
            page.Append("<h2>Failures</h2>\n<table><tr><th>requests</th><th>reason</th></tr>\n");
            foreach ((string text, int count) in report.Errors)
            {
                page.Append("<tr><td>").Append(count).Append("</td><td>").Append(Escape(text)).Append("</td></tr>\n");
            }

            page.Append("</table>\n");
        }

        page.Append("<p>Bars are counts, the line over them is the share of values up to each (right axis); dashed lines are the median and the 99th percentile.</p>\n<div class=\"plots\">\n");
        foreach (string plot in ServePlots.All(report))
        {
            page.Append("<figure>").Append(plot).Append("</figure>\n");
        }

        return page.Append("</div>\n</body></html>\n").ToString();
    }

    private static string Escape(string text) => WebUtility.HtmlEncode(text);
}
