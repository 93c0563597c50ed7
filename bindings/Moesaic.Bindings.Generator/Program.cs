using Moesaic.Bindings.Generator;

const string usage =
    """
    Generates the C# bindings from native/include/moesaic/*.h.
      (no option)    write what changed
      --check        write nothing; exit 1 and list the differences when the checked-in files are out of date
      --root FOLDER  the repository (default: the nearest parent of the current folder that holds global.json)
    """;

bool check = false;
string? root = null;
for (int i = 0; i < args.Length; i++)
{
    switch (args[i])
    {
        case "--check":
            check = true;
            break;
        case "--root" when i + 1 < args.Length:
            root = args[++i];
            break;
        case "--help":
            Console.WriteLine(usage);
            return 0;
        default:
            Console.Error.WriteLine($"Unknown or incomplete option '{args[i]}'.\n{usage}");
            return 2;
    }
}

try
{
    root ??= FindRoot();
    IReadOnlyList<OutputSet> outputs = BindingsGenerator.Generate(root);
    if (!check)
    {
        Console.WriteLine($"bindings: {outputs.Sum(output => output.Write())} files changed");
        return 0;
    }

    string[] differences = [.. outputs.SelectMany(output => output.Differences())];
    foreach (string difference in differences)
    {
        Console.Error.WriteLine(difference);
    }

    Console.WriteLine(differences.Length == 0
        ? "bindings: up to date"
        : $"bindings: {differences.Length} files out of date; run dotnet run --project bindings/Moesaic.Bindings.Generator");
    return differences.Length == 0 ? 0 : 1;
}
catch (GeneratorException e)
{
    Console.Error.WriteLine($"bindings: {e.Message}");
    return 2;
}

static string FindRoot()
{
    for (DirectoryInfo? folder = new(Environment.CurrentDirectory); folder is not null; folder = folder.Parent)
    {
        if (File.Exists(Path.Combine(folder.FullName, "global.json")))
        {
            return folder.FullName;
        }
    }

    throw new GeneratorException("No parent of the current folder holds global.json; give the repository's root with --root.");
}
