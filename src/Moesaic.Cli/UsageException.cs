namespace Moesaic.Cli;

/// <summary>Arguments that parse but make no sense together or have an impossible value.</summary>
internal sealed class UsageException(string message) : Exception(message);
