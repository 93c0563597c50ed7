namespace Moesaic.Server.OpenAi;

/// <summary>Bounds on what a request may ask for; tokens are bounded by the model's context.</summary>
internal static class RequestLimits
{
    public const int MaxModelName = 512;
    public const int MaxSamples = 128;
    public const int MaxPrompts = 1024;
    public const int MaxEmbeddingInputs = 2048;
    public const int MaxMessages = 4096;
    public const int MaxContentParts = 4096;
    public const int MaxTools = 128;
    public const int MaxToolCalls = 128;
    public const int MaxName = 256;
    public const int MaxStopStrings = 32;
    public const int MaxStopLength = 1024;
    public const int MaxStopIds = 1024;
    public const int MaxBadWords = 64;
    public const int MaxBadWordLength = 256;
    public const int MaxLogitBias = 1024;
    public const int MaxTopLogprobs = 20;
    public const int MaxTemplateVariables = 64;
    public const int MaxCacheSalt = 256;
    public const int MaxRequestId = 128;
}
