namespace Moesaic.Bindings.Tests;

/// <summary>Sizes and offsets of every struct; the measuring half is generated.</summary>
internal static partial class LayoutTable
{
    public static IReadOnlyList<LayoutEntry> Entries()
    {
        List<LayoutEntry> entries = [];
        Measure(entries);
        return entries;
    }
}
