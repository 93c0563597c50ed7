namespace Moesaic.Models.Tests.Families;

/// <summary>The containers in which a fixture is at hand.</summary>
[Flags]
public enum Containers
{
    None = 0,
    HuggingFace = 1,
    Gguf = 2,
    Both = HuggingFace | Gguf,
}
