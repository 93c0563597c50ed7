namespace Moesaic.Bindings.Tests;

/// <summary>A size or an offset in bytes, by the C headers and by the managed struct.</summary>
/// <param name="Name">The struct, or struct.field, in C names.</param>
/// <param name="Expected">What libclang computes; the native test program asserts the same of the C compiler.</param>
/// <param name="Actual">What the managed struct has.</param>
public sealed record LayoutEntry(string Name, long Expected, long Actual)
{
    public override string ToString() => Name;
}
