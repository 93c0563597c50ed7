namespace Moesaic.Bindings.Tests;

/// <summary>Every struct and field lies in C# where it lies in C.</summary>
internal sealed class LayoutTests
{
    private static IEnumerable<LayoutEntry> Entries() => LayoutTable.Entries();

    [TestCaseSource(nameof(Entries))]
    public void Managed_layout_is_the_headers_layout(LayoutEntry entry) => Assert.That(entry.Actual, Is.EqualTo(entry.Expected));

    [Test]
    public void Every_generated_struct_is_in_the_table()
    {
        string[] structs =
        [
            .. typeof(NativeMethods).Assembly.GetTypes()
                .Where(t => t is { IsValueType: true, IsEnum: false, IsNested: false, Namespace: "Moesaic.Bindings" })
                .Where(t => t.GetFields().Length > 0)
                .Select(t => t.Name),
        ];
        int numStructs = LayoutTable.Entries().Count(e => !e.Name.Contains('.', StringComparison.Ordinal));
        Assert.That(structs, Is.Not.Empty);
        Assert.That(numStructs, Is.EqualTo(structs.Length));
    }
}
