namespace Moesaic.Fuzz;

/// <summary>One reader of untrusted bytes.</summary>
/// <param name="Name">Name on the command line.</param>
/// <param name="Words">Words of the format that mutants get now and then.</param>
/// <param name="Seeds">Inputs to start from.</param>
/// <param name="Run">Reads an input and uses what was read; throws only what <paramref name="IsRefusal"/> knows.</param>
/// <param name="IsRefusal">Whether an exception is the documented way to refuse an input.</param>
internal sealed record FuzzTarget(string Name, string[] Words, Func<IEnumerable<byte[]>> Seeds, Action<byte[]> Run, Func<Exception, bool> IsRefusal);
