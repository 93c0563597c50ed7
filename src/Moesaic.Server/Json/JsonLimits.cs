namespace Moesaic.Server.Json;

/// <summary>Bounds on the JSON of a request, checked before anything of it is taken out.</summary>
internal sealed record JsonLimits
{
    public static JsonLimits Default { get; } = new();

    /// <summary>Objects and arrays within each other.</summary>
    public int MaxDepth { get; init; } = 64;

    /// <summary>Names, values, and beginnings and ends of objects and arrays together; each costs the parser 12 bytes.</summary>
    public int MaxTokens { get; init; } = 4 << 20;

    /// <summary>Fields of an object whose fields have a meaning here. Schemas of tools and the like are not counted.</summary>
    public int MaxFields { get; init; } = 1024;
}
