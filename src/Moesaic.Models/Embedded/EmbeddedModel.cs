namespace Moesaic.Models.Embedded;

/// <summary>
/// The model that comes with the program and is used when none is named. A file next to the program rather than a
/// resource inside it, so that it can be mapped into memory.
/// </summary>
public static class EmbeddedModel
{
    /// <summary>Name of the file, and of the folder beside the program that holds it.</summary>
    private const string FileName = "ling-wordnet-16m.Q8_0.gguf";

    /// <summary>Where the file is (or should be: a stripped installation may lack it).</summary>
    public static string Path { get; } = System.IO.Path.Combine(AppContext.BaseDirectory, "Embedded", FileName);
}
