namespace Moesaic.Cli.Hosting;

/// <summary>Whoever read standard output went away, as <c>head</c> does; no failure worth a message.</summary>
internal sealed class OutputClosedException() : Exception("standard output is closed");
