namespace Moesaic.Models.Families;

/// <summary>Upper bounds of sizes in a configuration, far above any real model, so that products cannot overflow and a damaged file is refused early.</summary>
internal static class Limits
{
    public const int Hidden = 1 << 18;
    public const int Layers = 1 << 12;
    public const int Heads = 1 << 14;
    public const int HeadWidth = 1 << 14;
    public const int Intermediate = 1 << 22;
    public const int Vocabulary = 1 << 24;
    public const int Context = 1 << 30;
    public const int Experts = 1 << 14;
}
