namespace Moesaic.Server;

/// <summary>An option names something that cannot be used, or options do not go together.</summary>
public sealed class ServerConfigurationException(string message) : Exception(message);
