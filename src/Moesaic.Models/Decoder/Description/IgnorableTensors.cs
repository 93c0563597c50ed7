namespace Moesaic.Models.Decoder;

/// <summary>A kind of tensor that a checkpoint may hold although the decoder does not need it.</summary>
/// <param name="Pattern">Exact name, or a name with one <c>*</c> that stands for any text.</param>
/// <param name="Reason">Why it is not needed, for <c>inspect</c>.</param>
public sealed record IgnorableTensors(string Pattern, string Reason)
{
    public bool Matches(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        int star = Pattern.IndexOf('*', StringComparison.Ordinal);
        return star < 0
            ? name == Pattern
            : name.Length >= Pattern.Length - 1
                && name.AsSpan().StartsWith(Pattern.AsSpan(0, star), StringComparison.Ordinal)
                && name.AsSpan().EndsWith(Pattern.AsSpan(star + 1), StringComparison.Ordinal);
    }
}
