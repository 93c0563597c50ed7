namespace Moesaic.Cli.Hosting;

/// <summary>
/// An option that may be given several times, each time with one value. The parser's own lists would take the arguments after
/// the value for more of its values; instead the occurrences become one string, see <see cref="RepeatedValues"/>.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class RepeatableAttribute : Attribute;
