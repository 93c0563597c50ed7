using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Moesaic.Engine;
using Moesaic.Server.Catalog;
using Moesaic.Server.Errors;

namespace Moesaic.Server.OpenAi;

/// <summary>What every object of one response has in common.</summary>
/// <param name="prefix">Of its id, such as <c>chatcmpl-</c>.</param>
/// <param name="requestId">Ends the id.</param>
/// <param name="type">The value of <c>object</c>.</param>
/// <param name="model">The model.</param>
internal sealed class ResponseHead(string prefix, string requestId, string type, ServedModel model)
{
    public string Id { get; } = prefix + requestId;

    public long Created { get; } = DateTimeOffset.UtcNow.ToUnixTimeSeconds();

    public string Model { get; } = model.Name;

    /// <summary>Changes with the program's version and the model: answers to a seed can be compared while it is the same.</summary>
    public string Fingerprint { get; } = FingerprintOf(model);

    /// <summary>The members that begin every object.</summary>
    public void Write(Utf8JsonWriter json)
    {
        json.WriteString("id"u8, Id);
        json.WriteString("object"u8, type);
        json.WriteNumber("created"u8, Created);
        json.WriteString("model"u8, Model);
    }

    /// <summary>The member <c>usage</c>.</summary>
    public static void WriteUsage(Utf8JsonWriter json, in TokenUsage usage)
    {
        json.WriteStartObject("usage"u8);
        json.WriteNumber("prompt_tokens"u8, usage.Prompt);
        json.WriteNumber("completion_tokens"u8, usage.Completion);
        json.WriteNumber("total_tokens"u8, usage.Prompt + usage.Completion);
        json.WriteStartObject("prompt_tokens_details"u8);
        json.WriteNumber("cached_tokens"u8, usage.Cached);
        json.WriteEndObject();
        if (usage.Reasoning is { } reasoning)
        {
            json.WriteStartObject("completion_tokens_details"u8);
            json.WriteNumber("reasoning_tokens"u8, reasoning);
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    /// <summary>The event after all answers, which tells of the usage.</summary>
    public void WriteUsageEvent(Utf8JsonWriter json, in TokenUsage usage)
    {
        json.WriteStartObject();
        Write(json);
        json.WriteStartArray("choices"u8);
        json.WriteEndArray();
        json.WriteString("system_fingerprint"u8, Fingerprint);
        WriteUsage(json, usage);
        json.WriteEndObject();
    }

    /// <summary>The event that tells of a failure: an end that no client takes for a good one, and the error itself.</summary>
    /// <param name="json">Where to.</param>
    /// <param name="samples">The answers; those that had ended well are left out.</param>
    /// <param name="writeEmpty">Writes what a choice of this protocol has even when nothing is said.</param>
    /// <param name="error">What the client is told.</param>
    public void WriteFailureEvent(Utf8JsonWriter json, IEnumerable<GenerationSample> samples, Action<Utf8JsonWriter> writeEmpty, ApiException error)
    {
        json.WriteStartObject();
        Write(json);
        json.WriteStartArray("choices"u8);
        int index = 0;
        foreach (GenerationSample sample in samples)
        {
            if (sample.Finish is not (FinishReason.StopId or FinishReason.StopString or FinishReason.Length))
            {
                json.WriteStartObject();
                json.WriteNumber("index"u8, index);
                writeEmpty(json);
                json.WriteString("finish_reason"u8, "error");
                json.WriteEndObject();
            }

            index++;
        }

        json.WriteEndArray();
        ErrorEnvelopes.WriteMember(json, ErrorEnvelope.OpenAi, error);
        json.WriteEndObject();
    }

    /// <summary>A member that lists token ids.</summary>
    public static void WriteIds(Utf8JsonWriter json, string name, IReadOnlyList<int> ids)
    {
        json.WriteStartArray(name);
        foreach (int id in ids)
        {
            json.WriteNumberValue(id);
        }

        json.WriteEndArray();
    }

    /// <summary>The members <c>finish_reason</c> and <c>stop_reason</c> of a choice; null while it goes on.</summary>
    /// <remarks>stop_reason tells what the request itself asked to stop at: a string or an id; null for the model's own end.</remarks>
    public void WriteFinish(Utf8JsonWriter json, GenerationSample? sample, bool calledTools)
    {
        if (sample is null)
        {
            json.WriteNull("finish_reason"u8);
            return;
        }

        json.WriteString("finish_reason"u8, sample.Finish == FinishReason.Length ? "length" : calledTools ? "tool_calls" : "stop");
        if (sample.MatchedStopString is { } text)
        {
            json.WriteString("stop_reason"u8, text);
        }
        else if (sample.MatchedStopId is { } id && !model.Runtime.EndIds.Contains(id))
        {
            json.WriteNumber("stop_reason"u8, id);
        }
        else
        {
            json.WriteNull("stop_reason"u8);
        }
    }

    private static string FingerprintOf(ServedModel model)
    {
        string version = typeof(ResponseHead).Assembly.GetName().Version?.ToString() ?? "";
        byte[] hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{version}\n{model.Runtime.Name}\n{model.Runtime.SourceBytes}\n{model.Runtime.Description.Architecture}"));
        return "fp_" + Convert.ToHexStringLower(hash.AsSpan(0, 5));
    }
}
