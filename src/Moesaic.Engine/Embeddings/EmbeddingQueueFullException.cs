namespace Moesaic.Engine;

/// <summary>More texts wait for their embeddings than the engine holds; try again later.</summary>
public sealed class EmbeddingQueueFullException(string message) : Exception(message);
