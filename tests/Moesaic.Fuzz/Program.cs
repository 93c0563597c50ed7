using System.Globalization;
using Moesaic.Fuzz;

const string usage = """
    usage: Moesaic.Fuzz TARGET [--seconds N] [--seed N] [--corpus FOLDER] [--findings FOLDER]
           Moesaic.Fuzz TARGET --input FILE       (reads one input: '-' is standard input)
           Moesaic.Fuzz --list
    """;

// Before the first instrumented code runs: it counts into this map.
using CoverageMap coverage = new();
if (args is ["--list"])
{
    foreach (FuzzTarget known in FuzzTargets.All)
    {
        Console.WriteLine(known.Name);
    }

    return 0;
}

FuzzTarget? target = args.Length == 0 ? null : FuzzTargets.All.FirstOrDefault(t => t.Name == args[0]);
if (target is null)
{
    Console.Error.WriteLine(args.Length == 0 ? usage : $"'{args[0]}' is no target; known are {string.Join(", ", FuzzTargets.All.Select(t => t.Name))}\n{usage}");
    return 2;
}

double seconds = 30;
ulong seed = 1;
string corpus = Path.Combine("out", "fuzz", "corpus", target.Name), findings = Path.Combine("out", "fuzz", "findings");
string? input = null;
for (int i = 1; i < args.Length; i += 2)
{
    string value = i + 1 < args.Length ? args[i + 1] : "";
    bool known = args[i] switch
    {
        "--seconds" => double.TryParse(value, CultureInfo.InvariantCulture, out seconds) && seconds is >= 0 and <= 1e6,
        "--seed" => ulong.TryParse(value, CultureInfo.InvariantCulture, out seed),
        "--corpus" => (corpus = value).Length > 0,
        "--findings" => (findings = value).Length > 0,
        "--input" => (input = value).Length > 0,
        _ => false,
    };
    if (!known)
    {
        Console.Error.WriteLine($"'{args[i]} {value}' is not understood\n{usage}");
        return 2;
    }
}

FuzzRunner runner = new(target, coverage, corpus, findings, seed);
if (input is null)
{
    runner.Run(TimeSpan.FromSeconds(seconds));
}
else
{
    using MemoryStream bytes = new();
    using Stream stream = input == "-" ? Console.OpenStandardInput() : File.OpenRead(input);
    stream.CopyTo(bytes);
    runner.RunOnce(bytes.ToArray());
}

return runner.Findings == 0 ? 0 : 1;
