namespace Moesaic.Bindings.Generator;

/// <summary>The headers cannot be turned into bindings, or the tool cannot run; the message says where and what to do.</summary>
internal sealed class GeneratorException(string message) : Exception(message);
