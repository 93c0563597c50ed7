namespace Moesaic.Cli.Pull;

/// <summary>A model cannot be fetched; the message says why and what to do.</summary>
internal sealed class HubException(string message, Exception? cause = null) : Exception(message, cause);
