using System.Text;
using Moesaic.Models.Checkpoints;

namespace Moesaic.Models.Tokenizers.SentencePiece;

/// <summary>What a piece is for.</summary>
internal enum PieceType
{
    Normal = 1,
    Unknown = 2,
    Control = 3,
    UserDefined = 4,
    Unused = 5,
    Byte = 6,
}

/// <summary>One piece of the vocabulary.</summary>
internal readonly record struct Piece(string Text, float Score, PieceType Type);

/// <summary>The parts of a SentencePiece model (tokenizer.model) that encoding needs. Field numbers are those of sentencepiece_model.proto.</summary>
internal sealed record SentencePieceFile(
    string File,
    IReadOnlyList<Piece> Pieces,
    bool IsUnigram,
    bool ByteFallback,
    byte[] CharacterMap,
    bool AddDummyPrefix,
    bool RemoveExtraWhitespaces)
{
    private const long MaxFileBytes = 1L << 28;
    private const int MaxPieces = 1 << 23;

    /// <summary>Reads a file.</summary>
    /// <exception cref="ModelFormatException">It is not a model that can be used.</exception>
    public static SentencePieceFile Read(string file) => Parse(file, BoundedFile.ReadAllBytes(file, MaxFileBytes));

    /// <summary>Reads the bytes of a file.</summary>
    /// <exception cref="ModelFormatException">It is not a model that can be used.</exception>
    public static SentencePieceFile Parse(string file, ReadOnlySpan<byte> bytes)
    {
        List<Piece> pieces = [];
        ulong modelType = 1;
        bool byteFallback = false, suffixes = false;
        byte[] map = [];
        bool dummyPrefix = true, removeExtra = true;
        ProtobufReader reader = new(file, "model", bytes);
        while (reader.Next())
        {
            if (reader.Field is 1 or 2 or 3)
            {
                reader.Expect(2);
            }

            switch (reader.Field)
            {
                case 1:
                    if (pieces.Count == MaxPieces)
                    {
                        throw reader.Error($"more than {MaxPieces} pieces");
                    }

                    pieces.Add(ReadPiece(file, pieces.Count, reader.Bytes));
                    break;
                case 2:
                    ReadTrainer(file, reader.Bytes, ref modelType, ref byteFallback, ref suffixes);
                    break;
                case 3:
                    ReadNormalizer(file, reader.Bytes, ref map, ref dummyPrefix, ref removeExtra);
                    break;
            }
        }

        if (pieces.Count == 0)
        {
            throw new ModelFormatException(file, "pieces", "there are none; expected a SentencePiece model");
        }

        if (modelType is not (1 or 2))
        {
            throw new ModelFormatException(file, "trainer_spec.model_type", $"found {modelType}; expected 1 (unigram) or 2 (BPE)");
        }

        return suffixes
            ? throw new ModelFormatException(file, "trainer_spec.treat_whitespace_as_suffix", "found true; only models that put spaces before words are supported")
            : new SentencePieceFile(file, pieces, modelType == 1, byteFallback, map, dummyPrefix, removeExtra);
    }

    private static Piece ReadPiece(string file, int index, ReadOnlySpan<byte> bytes)
    {
        string text = "", path = $"pieces[{index}]";
        float score = 0;
        PieceType type = PieceType.Normal;
        ProtobufReader reader = new(file, path, bytes);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1:
                    reader.Expect(2);
                    text = System.Text.Unicode.Utf8.IsValid(reader.Bytes) ? Encoding.UTF8.GetString(reader.Bytes) : throw reader.Error("the piece is not UTF-8");
                    break;
                case 2:
                    reader.Expect(5);
                    score = float.IsFinite(reader.Single) ? reader.Single : throw reader.Error($"found the score {reader.Single}; expected a finite number");
                    break;
                case 3:
                    reader.Expect(0);
                    type = reader.Number is >= 1 and <= 6 ? (PieceType)reader.Number : throw reader.Error($"found the type {reader.Number}; expected 1 to 6");
                    break;
            }
        }

        return text.Length > 0 ? new Piece(text, score, type) : throw new ModelFormatException(file, path, "the piece is empty");
    }

    private static void ReadTrainer(string file, ReadOnlySpan<byte> bytes, ref ulong modelType, ref bool byteFallback, ref bool suffixes)
    {
        ProtobufReader reader = new(file, "trainer_spec", bytes);
        while (reader.Next())
        {
            if (reader.Field is 3 or 24 or 35)
            {
                reader.Expect(0);
            }

            switch (reader.Field)
            {
                case 3:
                    modelType = reader.Number;
                    break;
                case 24:
                    suffixes = reader.Number != 0;
                    break;
                case 35:
                    byteFallback = reader.Number != 0;
                    break;
            }
        }
    }

    private static void ReadNormalizer(string file, ReadOnlySpan<byte> bytes, ref byte[] map, ref bool dummyPrefix, ref bool removeExtra)
    {
        ProtobufReader reader = new(file, "normalizer_spec", bytes);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 2:
                    reader.Expect(2);
                    map = reader.Bytes.ToArray();
                    break;
                case 3:
                    reader.Expect(0);
                    dummyPrefix = reader.Number != 0;
                    break;
                case 4:
                    reader.Expect(0);
                    removeExtra = reader.Number != 0;
                    break;
                case 5:
                    reader.Expect(0);
                    if (reader.Number == 0)
                    {
                        throw reader.Error("escape_whitespaces is false; only models that mark spaces with U+2581 are supported");
                    }

                    break;
            }
        }
    }
}
