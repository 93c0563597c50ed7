using System.Text.Json;
using Moesaic.Cli.Output;
using Moesaic.Engine;

namespace Moesaic.Cli.Verbs;

/// <summary>Answers for programs.</summary>
internal static class AnswerJson
{
    /// <param name="answers">In order of the prompts.</param>
    /// <param name="runtime">The model that gave them.</param>
    /// <param name="nested">Whether each member is an array with one element an answer, as the prompts came.</param>
    /// <param name="logprobs">Whether log-probabilities are wanted.</param>
    public static string Write(IReadOnlyList<Answer> answers, ModelRuntime runtime, bool nested, bool logprobs) => JsonText.Object(writer =>
    {
        void Member(string name, Action<Answer> write)
        {
            writer.WritePropertyName(name);
            if (nested)
            {
                writer.WriteStartArray();
            }

            foreach (Answer answer in answers)
            {
                write(answer);
            }

            if (nested)
            {
                writer.WriteEndArray();
            }
        }

        if (runtime.HasTokenizer)
        {
            Member("text", a => writer.WriteStringValue(a.Text));
        }

        Member("ids", a => WriteIds(writer, a.Ids));
        Member("prompt_ids", a => WriteIds(writer, a.Prompt));
        Member("finish_reason", a => writer.WriteStringValue(a.FinishName));
        if (logprobs)
        {
            Member("logprobs", a => WriteLogprobs(writer, a, runtime));
        }

        writer.WriteStartObject("usage");
        writer.WriteNumber("prompt_tokens", answers.Sum(a => a.Timings.PromptTokens));
        writer.WriteNumber("cached_tokens", answers.Sum(a => a.Timings.ReusedTokens));
        writer.WriteNumber("completion_tokens", answers.Sum(a => a.Ids.Count));
        writer.WriteEndObject();
        Member("timings", a => WriteTimings(writer, a.Timings));
        writer.WriteNumber("load_seconds", Math.Round(runtime.LoadTime.TotalSeconds, 6));
    });

    private static void WriteIds(Utf8JsonWriter writer, IEnumerable<int> ids)
    {
        writer.WriteStartArray();
        foreach (int id in ids)
        {
            writer.WriteNumberValue(id);
        }

        writer.WriteEndArray();
    }

    private static void WriteLogprobs(Utf8JsonWriter writer, Answer answer, ModelRuntime runtime)
    {
        writer.WriteStartArray();
        foreach ((GeneratedToken token, var top) in answer.Tokens)
        {
            writer.WriteStartObject();
            WriteToken(writer, token.Id, token.Logprob, runtime);
            writer.WriteStartArray("top");
            foreach (TokenAlternative alternative in top)
            {
                writer.WriteStartObject();
                WriteToken(writer, alternative.Id, alternative.Logprob, runtime);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static void WriteToken(Utf8JsonWriter writer, int id, float logprob, ModelRuntime runtime)
    {
        writer.WriteNumber("id", id);
        writer.WriteFinite("logprob", logprob);
        if (runtime.HasTokenizer)
        {
            writer.WriteString("token", runtime.Tokenizer.IdToToken(id));
        }
    }

    private static void WriteTimings(Utf8JsonWriter writer, GenerationTimings timings)
    {
        writer.WriteStartObject();
        writer.WriteNumber("prefill_seconds", Math.Round(timings.Prefill.TotalSeconds, 6));
        writer.WriteNumber("decode_seconds", Math.Round(timings.Decode.TotalSeconds, 6));
        writer.WriteNumber("prefill_tokens_per_second", Math.Round(timings.PrefillTokensPerSecond, 2));
        writer.WriteNumber("decode_tokens_per_second", Math.Round(timings.DecodeTokensPerSecond, 2));
        writer.WriteEndObject();
    }
}
