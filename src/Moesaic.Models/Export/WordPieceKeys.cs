using Moesaic.Models.Checkpoints.Gguf;
using Moesaic.Models.Tokenizers.Files;

namespace Moesaic.Models.Export;

/// <summary>Word pieces as GGUF keys (BERT).</summary>
internal static class WordPieceKeys
{
    private const string Space = "\u2581";
    private const string Continuation = "##";
    private const int MaxWord = 100;

    /// <param name="root">tokenizer.json.</param>
    /// <param name="before">What is put before every text.</param>
    /// <param name="after">What is put after it.</param>
    /// <param name="pairs">Receives the keys.</param>
    /// <exception cref="ModelFormatException">It works otherwise than BERT's.</exception>
    public static void Add(JsonField root, int? before, int? after, GgufPairs pairs)
    {
        JsonField model = root["model"], normalizer = root["normalizer"];
        if (normalizer.IsNull || normalizer["type"].String() != "BertNormalizer")
        {
            throw normalizer.Error("GGUF has word pieces with BERT's normalisation alone (BertNormalizer).");
        }

        if ((model["continuing_subword_prefix"].OptionalString() ?? Continuation) != Continuation || (!model["max_input_chars_per_word"].IsNull && model["max_input_chars_per_word"].Int() != MaxWord))
        {
            throw model.Error($"GGUF has word pieces that are continued with '{Continuation}', of words of at most {MaxWord} characters, alone.");
        }

        if (before is not { } cls || after is not { } separator)
        {
            throw root["post_processor"].Error("GGUF puts a token before and one after every text of word pieces; this tokenizer does not.");
        }

        bool lowercase = normalizer["lowercase"].OptionalBool(true);
        pairs.Add(ExportTokenizer.Prefix + "model", "bert");
        pairs.Add(ExportTokenizer.Prefix + "normalizer.lowercase", lowercase);
        pairs.Add(ExportTokenizer.Prefix + "normalizer.strip_accents", normalizer["strip_accents"].OptionalBool(lowercase));
        pairs.Add(ExportTokenizer.Prefix + "cls_token_id", cls);

        // The format's own spelling.
        pairs.Add(ExportTokenizer.Prefix + "seperator_token_id", separator);
    }

    /// <summary>A token as the file has it: the beginnings of words are marked in place of their continuations.</summary>
    public static string Stored(string token) =>
        token.StartsWith('[') && token.EndsWith(']') ? token
        : token.StartsWith(Continuation, StringComparison.Ordinal) && token.Length > Continuation.Length ? token[Continuation.Length..]
        : Space + token;
}
