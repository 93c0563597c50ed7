using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Moesaic.Engine;

namespace Moesaic.Server.OpenAi;

/// <summary>A token that was drawn or given, and how probable the model found it and others.</summary>
/// <param name="Id">The token.</param>
/// <param name="Logprob">Natural log-probability; null for the first token of a prompt.</param>
/// <param name="Alternatives">The most probable tokens, best first.</param>
internal readonly record struct TokenLogprob(int Id, float? Logprob, ImmutableArray<TokenAlternative> Alternatives);

/// <summary>Writes log-probabilities in the shapes of the protocol.</summary>
internal static class LogprobWriter
{
    // JSON has no infinity; this is what clients of this protocol expect for the impossible.
    private const float Impossible = -9999;

    /// <summary>Chat: <c>{"content": [{token, logprob, bytes, top_logprobs}]}</c>.</summary>
    public static void WriteChat(Utf8JsonWriter json, IReadOnlyList<TokenLogprob> tokens, TokenSpelling spelling)
    {
        json.WriteStartObject("logprobs"u8);
        json.WriteStartArray("content"u8);
        WriteContent(json, tokens, spelling);
        json.WriteEndArray();
        json.WriteNull("refusal"u8);
        json.WriteEndObject();
    }

    /// <summary>The items of chat's <c>content</c>.</summary>
    public static void WriteContent(Utf8JsonWriter json, IReadOnlyList<TokenLogprob> tokens, TokenSpelling spelling)
    {
        foreach (TokenLogprob token in tokens)
        {
            json.WriteStartObject();
            WriteToken(json, token.Id, token.Logprob ?? 0, spelling);
            json.WriteStartArray("top_logprobs"u8);
            foreach (TokenAlternative other in token.Alternatives)
            {
                json.WriteStartObject();
                WriteToken(json, other.Id, other.Logprob, spelling);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }
    }

    /// <summary>Text completions: parallel arrays. Offsets count characters (code points) from the beginning of the choice's text.</summary>
    /// <param name="json">Where to.</param>
    /// <param name="tokens">The tokens.</param>
    /// <param name="spelling">How to spell them.</param>
    /// <param name="offset">Where the first token begins; receives where the next one will.</param>
    public static void WriteCompletion(Utf8JsonWriter json, IReadOnlyList<TokenLogprob> tokens, TokenSpelling spelling, ref int offset)
    {
        json.WriteStartObject("logprobs"u8);
        json.WriteStartArray("text_offset"u8);
        string[] texts = [.. tokens.Select(t => spelling.Text(t.Id))];
        foreach (string text in texts)
        {
            json.WriteNumberValue(offset);
            offset += text.EnumerateRunes().Count();
        }

        json.WriteEndArray();
        json.WriteStartArray("token_logprobs"u8);
        foreach (TokenLogprob token in tokens)
        {
            WriteNumber(json, token.Logprob);
        }

        json.WriteEndArray();
        json.WriteStartArray("tokens"u8);
        foreach (string text in texts)
        {
            json.WriteStringValue(text);
        }

        json.WriteEndArray();
        json.WriteStartArray("top_logprobs"u8);
        foreach (TokenLogprob token in tokens)
        {
            WriteTop(json, token, spelling);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>vLLM's prompt_logprobs: null for the first token, then objects by id; the prompt's own token is among them.</summary>
    public static void WritePrompt(Utf8JsonWriter json, ImmutableArray<PromptTokenLogprob> tokens, TokenSpelling spelling)
    {
        json.WriteStartArray("prompt_logprobs"u8);
        foreach (PromptTokenLogprob token in tokens)
        {
            if (token.Logprob is not { } logprob)
            {
                json.WriteNullValue();
                continue;
            }

            json.WriteStartObject();
            WriteRanked(json, token.Id, logprob, token.Rank, spelling);
            for (int i = 0; i < token.Alternatives.Length; i++)
            {
                if (token.Alternatives[i].Id != token.Id)
                {
                    WriteRanked(json, token.Alternatives[i].Id, token.Alternatives[i].Logprob, i + 1, spelling);
                }
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteRanked(Utf8JsonWriter json, int id, float logprob, int? rank, TokenSpelling spelling)
    {
        json.WriteStartObject(id.ToString(CultureInfo.InvariantCulture));
        json.WriteNumber("logprob"u8, Finite(logprob));
        if (rank is { } known)
        {
            json.WriteNumber("rank"u8, known);
        }

        json.WriteString("decoded_token"u8, spelling.Text(id));
        json.WriteEndObject();
    }

    // Several ids may spell the same text: the first, which is the more probable, counts.
    private static void WriteTop(Utf8JsonWriter json, TokenLogprob token, TokenSpelling spelling)
    {
        if (token.Logprob is not { } logprob)
        {
            json.WriteNullValue();
            return;
        }

        json.WriteStartObject();
        HashSet<string> seen = new(StringComparer.Ordinal);
        bool hasOwn = false;
        foreach (TokenAlternative other in token.Alternatives)
        {
            hasOwn |= other.Id == token.Id;
            string text = spelling.Text(other.Id);
            if (seen.Add(text))
            {
                json.WriteNumber(text, Finite(other.Logprob));
            }
        }

        if (!hasOwn && spelling.Text(token.Id) is var own && seen.Add(own))
        {
            json.WriteNumber(own, Finite(logprob));
        }

        json.WriteEndObject();
    }

    private static void WriteToken(Utf8JsonWriter json, int id, float logprob, TokenSpelling spelling)
    {
        json.WriteString("token"u8, spelling.Text(id));
        json.WriteNumber("logprob"u8, Finite(logprob));
        if (spelling.Bytes(id) is not { } bytes)
        {
            json.WriteNull("bytes"u8);
            return;
        }

        json.WriteStartArray("bytes"u8);
        foreach (byte value in bytes)
        {
            json.WriteNumberValue(value);
        }

        json.WriteEndArray();
    }

    private static void WriteNumber(Utf8JsonWriter json, float? value)
    {
        if (value is { } number)
        {
            json.WriteNumberValue(Finite(number));
        }
        else
        {
            json.WriteNullValue();
        }
    }

    private static float Finite(float logprob) => float.IsFinite(logprob) ? logprob : Impossible;
}
