using Moesaic.Models.Tokenizers.Decoders;
using Moesaic.Models.Tokenizers.PreTokenizers;

namespace Moesaic.Models.Tokenizers.Files;

/// <summary>Reads decoders.</summary>
internal static class DecoderReader
{
    public static TokenDecoder Read(JsonField field)
    {
        string type = field.Object()["type"].String();
        return type switch
        {
            "ByteLevel" => new TokenDecoder.ByteLevel(),
            "ByteFallback" => new TokenDecoder.ByteFallback(),
            "Fuse" => new TokenDecoder.Fuse(),
            "Replace" => new TokenDecoder.Replace(NormalizerReader.ReadReplace(field)),
            "Strip" => new TokenDecoder.Strip(field["content"].Character(), field["start"].Int(), field["stop"].Int()),
            "Metaspace" => new TokenDecoder.Metaspace(field["replacement"].Character(), PreTokenizerReader.ReadPrependScheme(field) != PrependScheme.Never),
            "WordPiece" => new TokenDecoder.WordPiece(field["prefix"].OptionalString() ?? "##", field["cleanup"].OptionalBool(true)),
            "BPEDecoder" => new TokenDecoder.Bpe(field["suffix"].OptionalString() ?? "</w>"),
            "CTC" => new TokenDecoder.Ctc(field["pad_token"].OptionalString() ?? "<pad>", field["word_delimiter_token"].OptionalString() ?? "|", field["cleanup"].OptionalBool(true)),
            "Sequence" => new TokenDecoder.Sequence([.. field["decoders"].Items().Select(Read)]),
            _ => throw field["type"].Unexpected("a known decoder (ByteLevel, ByteFallback, Fuse, Replace, Strip, Metaspace, WordPiece, BPEDecoder, CTC, Sequence)"),
        };
    }
}
