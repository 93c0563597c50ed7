namespace Moesaic.Server;

/// <summary>A model to serve.</summary>
/// <param name="Name">What requests call it; null: the name of its folder or file.</param>
/// <param name="Path">A Hugging Face folder or a GGUF file; null: the embedded model.</param>
public sealed record ModelSource(string? Name, string? Path);
