using System.Text.Json;
using Moesaic.Server.Errors;

namespace Moesaic.Server.OpenAi;

/// <summary>Writes the events that end a stream of completions.</summary>
internal interface IStreamWriter
{
    /// <summary>The event after all answers.</summary>
    void WriteUsage(Utf8JsonWriter json);

    /// <summary>The event that tells of a failure.</summary>
    void WriteFailure(Utf8JsonWriter json, ApiException error);
}
