using Moesaic.Models.Checkpoints.Gguf;
using Moesaic.Models.Tokenizers.Files;
using Moesaic.Models.Tokenizers.PreTokenizers;

namespace Moesaic.Models.Export;

/// <summary>SentencePiece unigram models as GGUF keys (T5, XLM-R).</summary>
internal static class UnigramKeys
{
    /// <param name="root">tokenizer.json.</param>
    /// <param name="rows">Number of tokens of the file.</param>
    /// <param name="pairs">Receives the keys.</param>
    /// <exception cref="ModelFormatException">A step of its normalisation has no place in the format.</exception>
    public static void Add(JsonField root, int rows, GgufPairs pairs)
    {
        float[] scores = new float[rows];
        int count = 0;
        foreach (JsonField token in root["model"]["vocab"].Items())
        {
            scores[count++] = (float)token.At(1).Double();
        }

        byte[] map = [];
        bool removesSpaces = false, addsSpace = false;
        foreach (JsonField step in Parts(root["normalizer"], "normalizers"))
        {
            switch (step["type"].String())
            {
                case "Precompiled":
                    map = Convert.FromBase64String(step["precompiled_charsmap"].String());
                    break;
                case "Strip" or "Replace":
                    // SentencePiece's own way with runs of spaces, in the words of its conversion.
                    removesSpaces = true;
                    break;
                default:
                    throw step.Error("GGUF has no name for this step of a unigram tokenizer's normalisation.");
            }
        }

        foreach (JsonField step in Parts(root["pre_tokenizer"], "pretokenizers"))
        {
            removesSpaces |= step["type"].String() == "WhitespaceSplit";
            addsSpace |= step["type"].String() == "Metaspace" && PreTokenizerReader.ReadPrependScheme(step) != PrependScheme.Never;
        }

        pairs.Add(ExportTokenizer.Prefix + "model", "t5");
        pairs.Add(ExportTokenizer.Prefix + "scores", scores);
        pairs.Add(ExportTokenizer.Prefix + "add_space_prefix", addsSpace);
        pairs.Add(ExportTokenizer.Prefix + "remove_extra_whitespaces", removesSpaces);
        if (map.Length > 0)
        {
            pairs.Add(ExportTokenizer.Prefix + "precompiled_charsmap", map);
        }
    }

    private static IEnumerable<JsonField> Parts(JsonField field, string list) =>
        field.IsNull ? [] : field["type"].String() == "Sequence" ? field[list].Items() : [field];
}
