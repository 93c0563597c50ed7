using Moesaic.Engine;

namespace Moesaic.Server.Chat;

/// <summary>A step of one of a request's answers.</summary>
/// <param name="Sample">Which answer, counted over all prompts of the request.</param>
/// <param name="Event">What came.</param>
internal readonly record struct SampleEvent(int Sample, GenerationEvent Event);
