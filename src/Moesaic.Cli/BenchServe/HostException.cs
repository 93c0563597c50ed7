namespace Moesaic.Cli.BenchServe;

/// <summary>The host that is to be measured is absent, or answers something else than was asked.</summary>
internal sealed class HostException(string message) : Exception(message);
